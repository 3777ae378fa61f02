"""The same runs and points in MLflow's database and in ours, written directly: setting up is not what is measured."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from noria.config.settings import settings_for
from noria.core.clock import SystemClock
from noria.tracking import history, tables
from noria.tracking.series.names import metric_keys
from noria.workspace.workspace import Workspace, open_workspace

START_MS = 1_700_000_000_000
METRICS = [f"metric_{n}" for n in range(5)]
PARAMS = [f"param_{n}" for n in range(5)]
TAGS = ["mlflow.user", "mlflow.source.name", "mlflow.source.type", "team"]
STEPS_OF_A_BLOCK = 50_000


@dataclass(frozen=True)
class Run:
    """One of the runs: 5 metrics, 5 params, 4 tags and a name."""

    id: str
    number: int
    metrics: tuple[float, ...]
    params: tuple[str, ...]

    @property
    def tags(self) -> dict[str, str]:
        values = ("ann", "train.py", "LOCAL", f"team {self.number % 7}")
        return {**dict(zip(TAGS, values, strict=True)), "mlflow.runName": f"run {self.number}"}


def runs(count: int) -> Iterator[Run]:
    """The same runs each time."""
    dice = random.Random(7)
    for number in range(count):
        metrics = tuple(dice.random() for _ in METRICS)
        yield Run(f"{dice.getrandbits(128):032x}", number, metrics, tuple(str(dice.randrange(100)) for _ in PARAMS))


def points(count: int) -> Iterator[tuple[int, int, float]]:
    """(step, milliseconds, value) of a noisy falling curve."""
    dice = random.Random(8)
    for step in range(count):
        yield step, START_MS + step * 250, 1 / (1 + step / 1000) + dice.gauss(0, 0.05)


RUN = (
    "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, "
    "end_time, source_version, lifecycle_stage, artifact_uri, experiment_id) "
    "VALUES (?, ?, 'LOCAL', 'train.py', '', 'ann', 'FINISHED', ?, ?, '', 'active', ?, ?)"
)
POINT = 'INSERT INTO {} ("key", value, timestamp, run_uuid, step, is_nan) VALUES (?,?,?,?,?,?)'
PAIR = 'INSERT INTO {} ("key", value, run_uuid) VALUES (?,?,?)'


def artifact_root(experiment: int, run: Run) -> str:
    return f"mlflow-artifacts:/{experiment}/{run.id}/artifacts"


def fill_mlflow(database: Path, experiment: int, count: int) -> None:
    """Runs in an experiment that is there, by MLflow's own tables."""
    with sqlite3.connect(database) as c:
        c.execute("PRAGMA synchronous=OFF")
        for r in runs(count):
            begun = START_MS + r.number
            c.execute(RUN, (r.id, f"run {r.number}", begun, begun + 9, artifact_root(experiment, r), experiment))
            measured = [(name, value, START_MS, r.id, 0, 0) for name, value in zip(METRICS, r.metrics, strict=True)]
            c.executemany(POINT.format("metrics"), measured)
            c.executemany(POINT.format("latest_metrics"), measured)
            c.executemany(PAIR.format("params"), [(n, v, r.id) for n, v in zip(PARAMS, r.params, strict=True)])
            c.executemany(PAIR.format("tags"), [(n, v, r.id) for n, v in r.tags.items()])


def fill_mlflow_history(database: Path, run: str, metric: str, count: int) -> None:
    """One long history of a run that is there."""
    with sqlite3.connect(database) as c:
        c.execute("PRAGMA synchronous=OFF")
        rows = [(metric, value, at, run, step, 0) for step, at, value in points(count)]
        c.executemany(POINT.format("metrics"), rows)
        c.execute(POINT.format("latest_metrics"), rows[-1])


def workspace(home: Path) -> Workspace:
    """What `noria server --home` opens."""
    return open_workspace(home, settings_for(home, {}, {}, home), SystemClock())


def fill_noria(ws: Workspace, experiment: int, count: int) -> None:
    """The same runs in our tables."""
    with ws.database.transaction() as c:
        names = dict(zip(METRICS, metric_keys(ws.database, c, METRICS), strict=True))
        first = (c.execute(sa.select(sa.func.max(tables.runs.c.key))).scalar() or 0) + 1
        rows: dict[sa.Table, list[dict[str, Any]]] = {table: [] for table in FILLED}
        for run in runs(count):
            for table, row in _rows(run, first + run.number, experiment, names):
                rows[table].append(row)
            if run.number % BLOCK_OF_RUNS == BLOCK_OF_RUNS - 1 or run.number == count - 1:
                for table, some in rows.items():
                    c.execute(sa.insert(table), some)
                    some.clear()


BLOCK_OF_RUNS = 5_000
FILLED = (tables.runs, tables.run_params, tables.run_tags, tables.points, tables.latest_metrics)


def _rows(run: Run, key: int, experiment: int, names: dict[str, int]) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    begun = (START_MS + run.number) * 1000
    about = {"key": key, "id": run.id, "experiment": experiment, "name": f"run {run.number}", "actor": "ann"}
    about |= {"model": "", "kind": "run", "state": "finished", "stage": "active", "inputs": "{}", "note": ""}
    about |= {"started": begun, "ended": begun + 9_000, "artifact_root": artifact_root(experiment, run)}
    yield tables.runs, about
    for name, value in zip(PARAMS, run.params, strict=True):
        yield tables.run_params, {"run": key, "name": name, "value": value}
    for name, value in run.tags.items():
        yield tables.run_tags, {"run": key, "name": name, "value": value}
    for name, number in zip(METRICS, run.metrics, strict=True):
        point = {"run": key, "metric": names[name], "step": 0, "at": START_MS, "value": number, "is_nan": 0}
        yield tables.points, point
        yield tables.latest_metrics, point | {"experiment": experiment}


def fill_noria_history(ws: Workspace, run: str, metric: str, count: int) -> None:
    """The same long history, as it comes in, then sealed."""
    with ws.database.reading() as c:
        wanted = sa.select(tables.runs.c.key, tables.runs.c.experiment).where(tables.runs.c.id == run)
        key, experiment = c.execute(wanted).one()
    every = list(points(count))
    for begin in range(0, count, STEPS_OF_A_BLOCK):
        steps, ats, values = zip(*every[begin : begin + STEPS_OF_A_BLOCK], strict=True)
        with ws.database.transaction() as c:
            history.append_raw(ws, c, key, experiment, [metric] * len(steps), values, ats, steps)
    history.seal(ws, run, force=True)


def bytes_of_mlflow(database: Path) -> int:
    """Pages of an SQLite file that hold something, in bytes."""
    with sqlite3.connect(database) as c:
        return _used(lambda pragma: c.execute(pragma).fetchone()[0])


def bytes_of_noria(ws: Workspace) -> int:
    """The same of ours."""
    with ws.database.reading() as c:
        return _used(lambda pragma: c.exec_driver_sql(pragma).scalar_one())


def _used(ask: Callable[[str], Any]) -> int:
    pages, free, size = (int(ask(f"PRAGMA {one}")) for one in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def only_run(database: Path, table: str, column: str) -> str:
    """The run of experiment 0."""
    with sqlite3.connect(database) as c:
        where = "experiment_id" if column == "run_uuid" else "experiment"
        return str(c.execute(f"SELECT {column} FROM {table} WHERE {where} = 0").fetchone()[0])
