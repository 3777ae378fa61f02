"""Neptune's export, in the schema of its exporter (the service itself is gone): read whole, and written the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foreign import Walked, walk, walk_all
from noria.integrations.neptune import exporter
from noria.integrations.neptune.reader import read, recognises
from noria.integrations.neptune.schema import safe_part, schema
from noria.tracking import history
from noria.tracking.intake import take_in
from noria.tracking.outgoing import give_out
from noria.tracking.runs import get_run
from noria.tracking.transfer import ForeignRun, LeftOut, Unreadable
from noria.workspace.workspace import Workspace

BEGUN = datetime(2026, 1, 5, 12, tzinfo=UTC)
AT = int(BEGUN.timestamp() * 1000)


def row(path: str, kind: str, **values: Any) -> dict[str, Any]:
    return {"project_id": "org/flights", "run_id": "FLI-7", "attribute_path": path, "attribute_type": kind, **values}


def points(name: str, steps: list[str]) -> list[dict[str, Any]]:
    return [
        row(name, "float_series", step=Decimal(step), timestamp=AT + number, float_value=number / 4)
        for number, step in enumerate(steps)
    ]


ATTRIBUTES = [
    row("sys/id", "string", string_value="FLI-7"),
    row("sys/name", "string", string_value="first"),
    row("sys/owner", "string", string_value="ann"),
    row("sys/creation_time", "datetime", datetime_value=BEGUN),
    row("sys/running_time", "float", float_value=60.5),
    row("sys/failed", "bool", bool_value=False),
    row("sys/tags", "string_set", string_set_value=["a", "b"]),
    row("sys/forking/parent", "string", string_value="FLI-3"),
    row("sys/forking/step", "float", float_value=12.5),
    row("config/lr", "float", float_value=0.1),
    row("config/layers", "int", int_value=3),
    row("config/deep", "bool", bool_value=True),
    row("config/kind", "string", string_value="l2"),
]
HISTOGRAM = {"type": "COUNTING", "edges": [0.0, 1.0, 2.0], "values": [3.0, 4.0]}
SERIES = [
    *points("metrics/loss", [str(step) for step in range(1000)]),
    *points("metrics/fine", ["0", "0.25", "0.5", "1.000001"]),
    row("log", "string_series", step=Decimal(1), timestamp=AT, string_value="hello"),
    row("weights", "histogram_series", step=Decimal("1.5"), timestamp=AT, histogram_value=HISTOGRAM),
    row("files/model", "file", file_value={"path": "FLI-7/files/model.bin"}),
    row("pictures", "file_series", step=Decimal("2.5"), timestamp=AT, file_value={"path": "FLI-7/pictures/p.png"}),
    row("source", "file_set", file_value={"path": "FLI-7/source"}),
    row("evil", "file", file_value={"path": "../../../secret"}),
]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """An export of one run in two parts, as the exporter lays it out."""
    root = tmp_path / "exports"
    data, kept = (root / name / safe_part("org/flights") for name in ("data", "files"))
    data.mkdir(parents=True)
    for part, rows in enumerate([ATTRIBUTES + SERIES[:500], SERIES[500:]]):
        pq.write_table(pa.Table.from_pylist(rows, schema()), data / f"{safe_part('FLI-7')}_part_{part}.parquet")
    for name, content in {"files/model.bin": "m", "pictures/p.png": "p", "source/a/b.py": "s"}.items():
        (kept / "FLI-7" / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / "FLI-7" / name).write_text(content)
    (tmp_path / "secret").write_text("x")
    return root


def check(found: Walked) -> None:
    run = found.run
    assert (run.origin, run.experiment) == ("neptune:org/flights/FLI-7", "org/flights")
    assert (run.name, run.user) == ("first", "ann")
    assert run.parent == "neptune:org/flights/FLI-3" and run.tags["neptune.fork_step"] == "12.5"
    assert {name: run.params[name] for name in ("config/lr", "config/layers", "config/deep", "config/kind")} == {
        "config/lr": "0.1", "config/layers": "3", "config/deep": "true", "config/kind": "l2",
    }  # fmt: skip
    assert (run.started, run.ended) == (AT * 1000, AT * 1000 + 60_500_000)
    assert found.points["metrics/loss"] == [(step, AT + step, step / 4) for step in range(1000)]
    assert found.points["metrics/fine"] == [(0, AT, 0), (0, AT + 1, 0.25), (0, AT + 2, 0.5), (1, AT + 3, 0.75)]
    exact = [json.loads(line)["step"] for line in found.files["imported/neptune-exact-steps.jsonl"].splitlines()]
    assert [Decimal(step) for step in exact] == [Decimal("0"), Decimal("0.25"), Decimal("0.5"), Decimal("1.000001")]
    assert json.loads(found.files["imported/neptune-text.jsonl"])["text"] == "hello"
    histogram = json.loads(found.files["imported/neptune-histograms.jsonl"])
    assert histogram["histogram"] == HISTOGRAM and Decimal(histogram["step"]) == Decimal("1.5")


def test_everything_of_an_export(exported: Path) -> None:
    assert recognises(str(exported))
    for place in (exported, exported / "data"):
        runs, left = walk_all(read(place))
        assert left == []
        check(runs["first"])
    found = runs["first"]
    assert found.run.tags["neptune.sys/tags"] == '["a", "b"]'
    assert found.files["files/model.bin"] == b"m" and found.files["pictures/2.5.png"] == b"p"
    assert found.files["source/a/b.py"] == b"s"
    assert not any("secret" in path or "evil" in path for path in found.files)
    assert "evil: the file ../../../secret" in found.notes and "no whole numbers" in found.notes


def test_in_out_and_in_again(exported: Path, ws: Workspace, tmp_path: Path) -> None:
    """Nothing is lost by the way, not even steps between whole numbers, and the origin is found again."""
    (run,) = read(exported)
    assert isinstance(run, ForeignRun)
    taken = take_in(ws, run)
    assert history.whole(ws, taken.run, "metrics/loss").size == 1000
    ours = [get_run(ws, taken.run)]
    for _ in range(2):  # written again it replaces itself
        (given,) = exporter.write(give_out(ws, ours), str(tmp_path / "out"))
    assert given.points == 1004
    assert [path.name for path in (tmp_path / "out" / "data").rglob("*.parquet*")] == [
        f"{safe_part('FLI-7')}_part_0.parquet"
    ]
    (again,) = read(tmp_path / "out")
    assert isinstance(again, ForeignRun)
    check(walk(again))
    (table,) = [pq.read_table(path) for path in (tmp_path / "out").rglob("*.parquet")]
    assert table.schema.equals(schema())
    (once_more,) = read(tmp_path / "out")
    assert isinstance(once_more, ForeignRun)
    assert (take_in(ws, once_more).new, take_in(ws, next(iter(read(exported)))).points) == (False, 0)  # type: ignore[arg-type]


def test_an_interrupted_export(exported: Path) -> None:
    (first,) = exported.rglob("*_part_0.parquet")
    first.rename(first.with_name(first.name.replace("part_0", "part_0.parquet") + ".tmp"))
    with pytest.raises(Unreadable, match="no \\*_part_0"):
        list(read(exported))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_torn_part(exported: Path, share: float) -> None:
    (first,) = exported.rglob("*_part_0.parquet")
    first.write_bytes(first.read_bytes()[: int(first.stat().st_size * share)])
    (left,) = read(exported)
    assert isinstance(left, LeftOut) and "no parquet file that can be read" in left.why and "part_0" in left.why


def test_other_parquet_is_no_export(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x_part_0.parquet")
    (left,) = read(tmp_path)
    assert isinstance(left, LeftOut) and "has not the columns project_id" in left.why
