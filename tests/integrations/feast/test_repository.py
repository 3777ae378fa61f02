"""What comes over from a repository that the real Feast accepted, and what the reader is told about the rest."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from noria.cli.main import app
from noria.core.errors import BadInput
from noria.integrations.feast import registry
from noria.integrations.feast.registry import BrokenRegistry, NoRegistry
from noria.project.foreign import WouldOverwrite
from noria.project.load import load


def noria(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_a_repository_becomes_a_project_that_plans_and_records_its_views(repository: Path, tmp_path: Path) -> None:
    told = noria("init", tmp_path / "ours", "--from", repository)
    assert "view everywhere is left out: it has no entity" in told

    planned = noria("plan", "--project", tmp_path / "ours")
    assert "view driver_customer  (of driver_id, customer, from Pairs)" in planned
    assert "the newest conv_rate, not older than 12h" in planned
    assert "the newest surge, however old" in planned

    assert "view zone_state: version 1, registered" in noria("run", "--project", tmp_path / "ours")
    listed = json.loads(noria("features", "--json", "--project", tmp_path / "ours"))
    names = [one["view"] for one in listed]
    assert names == ["driver_customer", "driver_hourly", "driver_short", "driver_windows", "zone_state"]


def test_everything_that_has_no_counterpart_is_told(imported: Path) -> None:
    told = (imported / "FROM_FEAST.md").read_text()
    for line in (
        "**view driver_hourly** comes without tags (string list)",
        "**view driver_short** is pushed to: send its rows to POST /events, with source Trips",
        "**view driver_windows** is fed by Kafka (clicks)",
        "**view everywhere** is left out: it has no entity",
        "**feature driver_customer:class** is called class_ here",
        "**service pricing** takes only conv_rate of driver_hourly",
        "**service pricing** asks for worth, which is left out",
        "**on-demand feature view worth** is not translated",
        "must not lie after the request. Feast looks at the event's time alone",
    ):
        assert line in told, line


def test_the_plan_has_keys_times_and_types_as_feast_inferred_them(imported: Path) -> None:
    plan = load(imported).plan
    views, sources = {view.name: view for view in plan.views}, {one.name: one for one in plan.sources}

    assert views["driver_customer"].entities == ("driver_id", "customer")
    assert views["driver_hourly"].source == views["driver_short"].source == views["driver_windows"].source == "Trips"
    assert [(one.kind, one.ttl) for one in views["zone_state"].features] == [("latest", None)]
    kinds = {one.name: (one.kind, one.window) for one in views["driver_windows"].features}
    assert kinds == {
        "sum_trips_today_3600s": ("sum", 3_600_000_000), "rate_1d": ("mean", 86_400_000_000),
        "kinds_1d": ("distinct", 86_400_000_000), "most": ("max", None),
    }  # fmt: skip
    types = {column.name: (column.dtype, column.nullable) for column in sources["Trips"].schema}
    assert types["driver_id"] == ("int", False) and types["last_seen"] == ("time", True)
    assert '"created" AS ingested_at' in str(sources["Trips"].location.query)
    assert str(sources["Zones"].location.path).endswith("data/zones.parquet"), "nothing to rename: the file itself"


def test_a_feature_service_is_a_tuple_of_views_for_a_model(imported: Path) -> None:
    written = (imported / "taxis.py").read_text()
    assert (
        "# Feast's feature service acceptance: Will it be taken?\nacceptance = (driver_hourly, zone_state)" in written
    )


def test_a_registry_in_a_database_says_the_same(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY", str(repository / "in_database" / "registry.db"))
    in_database = registry.read(registry.locate(repository / "in_database"))
    assert in_database == registry.read(registry.locate(repository))


def test_a_registry_elsewhere_is_named(repository: Path, tmp_path: Path) -> None:
    (repository / "data" / "registry.db").rename(tmp_path / "fetched.db")
    with pytest.raises(NoRegistry, match=r"`feast apply` in .* writes it"):
        noria("init", tmp_path / "ours", "--from", repository)
    noria("init", tmp_path / "ours", "--from", repository, "--registry", tmp_path / "fetched.db")


def test_a_registry_in_a_bucket_says_what_to_do(repository: Path, tmp_path: Path) -> None:
    file = repository / "feature_store.yaml"
    file.write_text(file.read_text().replace("data/registry.db", "s3://bucket/registry.db"))
    with pytest.raises(NoRegistry, match="fetch that file, and name it with --registry"):
        noria("init", tmp_path / "ours", "--from", repository)


def test_nothing_is_overwritten(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "taxis.toml").write_text("mine")
    with pytest.raises(WouldOverwrite, match=r"has taxis\.toml already"):
        noria("init", tmp_path / "ours", "--from", repository)
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["taxis.toml"]


def test_noria_import_points_to_init(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="it is a project") as caught:
        noria("import", repository, "--project", tmp_path)
    assert "noria init DIR --from" in caught.value.hint


@pytest.mark.parametrize("cut", [1, 100, 3000])
def test_half_a_registry_is_no_registry(repository: Path, cut: int, tmp_path: Path) -> None:
    file = repository / "data" / "registry.db"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(BrokenRegistry, match="is no registry that Feast wrote"):
        noria("init", tmp_path / "ours", "--from", repository)
    assert not (tmp_path / "ours").exists()


def test_its_views_are_sql_for_other_engines_too(imported: Path) -> None:
    text = noria("features", "sql", "driver_customer", "--dialect", "postgresql", "--project", imported)
    assert "driver_customer" in text and "SELECT" in text
