"""What MLflow wrote comes in the same from its files, databases and server, and goes out to a server of MLflow."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from foreign import Walked, run_script, walk, walk_all
from noria.core.errors import Unavailable
from noria.integrations.mlflow import database, exporter, files, server
from noria.registry import aliases, model_versions
from noria.registry.intake import take_in_model
from noria.testing.mlflow_server import QUIET, mlflow_server
from noria.testing.postgres import PostgresServer
from noria.testing.workspace import make_workspace
from noria.tracking import history, logged_models, runs
from noria.tracking.intake import take_in
from noria.tracking.outgoing import give_out
from noria.tracking.transfer import ForeignRun, Unreadable
from noria.workspace.workspace import Workspace

SOURCES = ("files", "sqlite", "postgresql", "server")


class Sources:
    """The same script's runs in each of MLflow's stores, written when first asked for."""

    def __init__(self, folder: Path, postgres: PostgresServer) -> None:
        self._folder, self._postgres = folder, postgres
        self._made: dict[str, tuple[Any, str]] = {}
        self._server = mlflow_server(folder / "server")

    def get(self, kind: str) -> tuple[Any, str]:
        """A reader, and what it is to read."""
        if kind not in self._made:
            reader, address, uri = getattr(self, f"_from_{kind}")()
            home = self._folder / kind
            home.mkdir(exist_ok=True)
            run_script(home, "mlflow", "write_with_mlflow.py", uri, MLFLOW_ALLOW_FILE_STORE="true", **QUIET)
            self._made[kind] = (reader, address)
        return self._made[kind]

    def close(self) -> None:
        self._server.stop()

    def _from_files(self) -> tuple[Any, str, str]:
        return files, str(self._folder / "files"), f"file://{self._folder}/files/mlruns"

    def _from_sqlite(self) -> tuple[Any, str, str]:
        path = self._folder / "sqlite" / "mlflow.db"
        return database, str(path), f"sqlite:///{path}"

    def _from_postgresql(self) -> tuple[Any, str, str]:
        admin = sa.create_engine(self._postgres.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text("DROP DATABASE IF EXISTS mlflow_there WITH (FORCE)"))
            connection.execute(sa.text("CREATE DATABASE mlflow_there"))
        admin.dispose()
        url = self._postgres.url.replace("/postgres", "/mlflow_there")
        return database, url.replace("+psycopg", ""), url.replace("+psycopg", "+psycopg2")

    def _from_server(self) -> tuple[Any, str, str]:
        self._server.start()
        return server, self._server.url, self._server.url


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Sources]:
    made = Sources(tmp_path_factory.mktemp("mlflow"), postgres)
    yield made
    made.close()


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, sources: Sources) -> tuple[Any, str]:
    return sources.get(request.param)


def check_parent(found: Walked) -> None:
    run = found.run
    assert run.origin == f"mlflow:{run.id}" and len(run.id) == 32
    assert (run.experiment, run.experiment_tags, run.state) == ("flights", {"team": "ops"}, "finished")
    assert run.params == {"lr": "0.1", "opt/name": "adam"}
    assert (run.tags["a/b"], run.tags["mlflow.note.content"]) == ("x", "a note")
    assert run.started is not None and run.ended is not None and run.started < run.ended
    assert sorted(set(found.values("loss")), reverse=True) == [1 / (step + 1) for step in range(20)]
    assert math.isnan(found.values("val/auc")[0]) and found.steps("val/auc") == [1]
    assert found.values("huge")[0] >= 1.7e308
    assert found.files["notes/hello.txt"] == b"hello"
    (used,) = run.datasets
    assert (used.dataset.name, used.tags) == ("ds", {"mlflow.data.context": "training"})
    assert used.dataset.profile is not None and '"features_shape": [3, 2]' in used.dataset.profile
    ((model, kept),) = found.models.items()
    assert {"MLmodel", "python_model.pkl"} <= set(kept) and [link.model for link in run.models_out] == [model]
    assert run.notes == []


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> Iterator[Workspace]:
    """A workspace of ours on each database."""
    url = None
    if request.param == "postgresql":
        name = f"here_{abs(hash(str(tmp_path)))}"
        admin = sa.create_engine(postgres.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        url = postgres.url.replace("/postgres", f"/{name}")
    ws = make_workspace(tmp_path, database=url)
    yield ws
    ws.close()


def test_every_store_reads_the_same(source: tuple[Any, str]) -> None:
    reader, place = source
    assert reader.recognises(place)
    found, left = walk_all(reader.read(place))
    assert set(found) == {"parent", "child", "failed"}
    assert [one.why for one in left] == [] or "deleted there" in left[0].why
    check_parent(found["parent"])
    assert found["child"].run.parent == found["parent"].run.origin
    assert found["child"].values("loss") == [2.0]
    assert (found["failed"].run.state, found["failed"].values("x")) == ("failed", [1.0])


def test_every_store_has_the_same_models(source: tuple[Any, str]) -> None:
    reader, place = source
    (model,) = reader.read_models(place)
    assert (model.name, model.description, model.aliases) == ("lateness", "of flights", {"prod": 3})
    first, third = model.versions
    assert (first.number, first.tags["k"], first.stage, first.description) == (1, "v", "Staging", "")
    assert (third.number, third.description) == (3, "the third")
    assert first.source.startswith("models:/m-") and first.run is not None and first.created is not None


def test_in_twice_and_everything_is_here_once(source: tuple[Any, str], here: Workspace) -> None:
    ws = here
    reader, place = source
    for turn in range(2):
        taken = [take_in(ws, one) for one in reader.read(place) if isinstance(one, ForeignRun)]
        models = [take_in_model(ws, one) for one in reader.read_models(place)]
        assert [one.changed for one in taken] == [turn == 0] * 3
        assert [one.versions for one in models] == [[1, 3] if turn == 0 else []]
        assert all(one.notes == () for one in taken) and models[0].notes == []
    by_name = {one.name: runs.get_run(ws, one.run) for one in taken}
    parent = by_name["parent"]
    assert parent.params == {"lr": "0.1", "opt/name": "adam"} and parent.state == "finished"
    assert by_name["child"].tags["mlflow.parentRunId"] == parent.id
    points = history.whole(ws, parent.id, "loss")
    assert sorted(set(points.value.tolist()), reverse=True) == [1 / (step + 1) for step in range(20)]
    (link,) = parent.models_out
    logged = logged_models.get_logged_model(ws, link.model)
    assert (logged.source_run, logged.state, logged.params["p"]) == (parent.id, "ready", "1")
    first = model_versions.get_version(ws, "lateness", 1)
    assert first.source == f"models:/{link.model}" and first.run == parent.id
    assert aliases.version_by_alias(ws, "lateness", "prod").number == 3
    (out, *_) = [walk(one) for one in give_out(ws, [parent])]
    assert out.files["notes/hello.txt"] == b"hello" and "MLmodel" in out.models[link.model]


def test_out_to_a_server_of_mlflow_and_read_by_its_client(sources: Sources, ws: Workspace, tmp_path: Path) -> None:
    """files -> Noria -> a stock server -> its own client, which loads the model; again, and nothing is doubled."""
    reader, place = sources.get("files")
    taken = [take_in(ws, one) for one in reader.read(place) if isinstance(one, ForeignRun)]
    ours = [runs.get_run(ws, one.run) for one in taken]
    with mlflow_server(tmp_path / "target") as target:
        for turn in range(2):
            given = list(exporter.write(give_out(ws, ours), target.url))
            assert [one.new for one in given] == [turn == 0] * 3
            assert [note for one in given for note in one.notes] == []
        assert [(one.points, one.files) for one in given] == [(0, 0)] * 3
        said = run_script(tmp_path, "mlflow", "read_with_mlflow.py", target.url, **QUIET)
    found = json.loads(said.partition("FOUND ")[2])
    assert set(found) == {"parent", "child", "failed"}
    parent, here = found["parent"], next(one for one in ours if one.name == "parent")
    assert (parent["experiment"], parent["state"], parent["params"]) == ("flights", "FINISHED", dict(here.params))
    assert parent["times"] == [(here.started or 0) // 1000, (here.ended or 0) // 1000]
    assert parent["tags"]["a/b"] == "x" and parent["tags"]["noria.origin"] == f"mlflow:{here.id}"
    points = history.whole(ws, here.id, "loss")
    assert {(step, at, float(value)) for step, at, value in parent["points"]["loss"]} == set(
        zip(points.step.tolist(), points.at.tolist(), points.value.tolist(), strict=True)
    )
    assert parent["points"]["val/auc"][0][2] == "nan"
    assert parent["files"] == {"notes/hello.txt": "hello"}
    assert parent["datasets"] == [["ds", here.datasets[0].dataset.digest, "training"]]
    assert parent["predicted"] == [[1.0, 2.0]], "the model that went from store to store still predicts"
    assert found["child"]["tags"]["mlflow.parentRunId"] == parent["id"]
    assert found["failed"]["state"] == "FAILED"


def test_more_was_logged_since(sources: Sources, ws: Workspace, tmp_path: Path) -> None:
    """A run imported while it went on gets what is new, once."""
    store = Path(shutil.copytree(sources.get("files")[1], tmp_path / "copy"))
    for one in files.read(store):
        if isinstance(one, ForeignRun):
            take_in(ws, one)
    parent = next(path for path in store.rglob("meta.yaml") if "run_name: parent" in path.read_text()).parent
    loss = parent / "metrics" / "loss"
    with loss.open("a") as file:
        file.write("1795402377795 0.01 20\nno point\n1795402377796 0.005 2")
    (parent / "artifacts" / "late.txt").write_text("late")
    taken = {one.name: take_in(ws, one) for one in files.read(store) if isinstance(one, ForeignRun)}
    assert (taken["parent"].points, taken["parent"].files, taken["child"].changed) == (2, 1, False)
    assert "no point was left out" in " ".join(taken["parent"].notes)


def test_a_torn_database(sources: Sources, tmp_path: Path) -> None:
    whole = Path(sources.get("sqlite")[1]).read_bytes()
    torn = tmp_path / "torn.db"
    torn.write_bytes(whole[: len(whole) // 2])
    with pytest.raises((Unreadable, Unavailable), match=r"torn\.db"):
        walk_all(database.read(str(torn)))
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE runs (x)")
    connection.close()
    assert not database.recognises(str(other)) and not database.recognises(str(tmp_path))
    with pytest.raises(Unreadable, match="has not MLflow's tables"):
        list(database.read(str(other)))


def test_a_store_cannot_make_us_read_other_files(sources: Sources, tmp_path: Path) -> None:
    """Where files lie is the store's word: only folders that are some run's own are believed."""
    secret = tmp_path / "secret" / "artifacts"
    secret.mkdir(parents=True)
    (secret / "key").write_text("x")
    path = Path(shutil.copy(sources.get("sqlite")[1], tmp_path / "mlflow.db"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET artifact_uri = ?", (str(secret),))
        connection.execute("UPDATE metrics SET value = 'text', step = 'x' WHERE key = 'x'")
    connection.close()
    found, _ = walk_all(database.read(str(path)))
    assert found["parent"].files == {}
    assert "a point of x was left out" in found["failed"].notes


def test_broken_files_cost_only_themselves(sources: Sources, tmp_path: Path) -> None:
    store = Path(shutil.copytree(sources.get("files")[1], tmp_path / "copy"))
    meta = next(path for path in store.rglob("meta.yaml") if "run_name: child" in path.read_text())
    meta.write_text("a: [1, 2")
    secret = tmp_path / "secret"
    secret.write_text("x")
    parent = next(path for path in store.rglob("meta.yaml") if "run_name: parent" in path.read_text()).parent
    (parent / "artifacts" / "link").symlink_to(secret)
    (parent / "artifacts" / "folder").symlink_to(tmp_path)
    found, left = walk_all(files.read(store))
    assert set(found) == {"parent", "failed"}
    assert any("is no YAML" in one.why and str(meta) in one.why for one in left)
    assert set(found["parent"].files) == {"notes/hello.txt"}
    assert "a link out of the folder" in found["parent"].notes


def test_no_server_there() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        list(server.read("http://127.0.0.1:9"))
