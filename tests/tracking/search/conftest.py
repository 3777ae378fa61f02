"""A small experiment on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from noria.testing.postgres import PostgresServer
from noria.testing.workspace import make_workspace
from noria.tracking import tables as t
from noria.workspace.workspace import Workspace

SECOND = 1_000_000


class Lab:
    """Runs are named by a letter and start a second apart, the first one first."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self._metrics: dict[str, int] = {}
        self._runs: dict[str, int] = {}
        with ws.database.transaction() as connection:
            for key in (1, 2):
                row = {"name": f"e{key}", "artifact_root": "", "stage": "active", "created": key, "updated": key}
                connection.execute(sa.insert(t.experiments).values(key=key, **row))

    def run(
        self,
        name: str,
        *,
        metrics: Mapping[str, float | None] | None = None,
        params: Mapping[str, str] | None = None,
        experiment: int = 1,
        started: int | None = -1,
        stage: str = "active",
    ) -> None:
        """A run; a metric of None is NaN."""
        key = len(self._runs) + 1
        self._runs[name] = key
        row = {
            "key": key, "id": name, "experiment": experiment, "name": name, "model": "", "kind": "", "actor": "ann",
            "state": "finished", "stage": stage, "started": key * SECOND if started == -1 else started, "ended": None,
            "artifact_root": "", "inputs": "{}", "note": "",
        }  # fmt: skip
        with self.ws.database.transaction() as connection:
            connection.execute(sa.insert(t.runs).values(**row))
            for param, value in (params or {}).items():
                connection.execute(sa.insert(t.run_params).values(run=key, name=param, value=value))
            for metric, number in (metrics or {}).items():
                self._log(connection, key, experiment, metric, number)

    def _log(self, connection: sa.Connection, run: int, experiment: int, metric: str, value: float | None) -> None:
        if metric not in self._metrics:
            self._metrics[metric] = len(self._metrics) + 1
            connection.execute(sa.insert(t.metric_names).values(key=self._metrics[metric], name=metric))
        row = {"value": value or 0.0, "is_nan": int(value is None), "step": 0, "at": 0}
        connection.execute(
            sa.insert(t.latest_metrics).values(run=run, metric=self._metrics[metric], experiment=experiment, **row)
        )

    def names(self, keys: object) -> str:
        """Runs' keys as one text of their names."""
        by_key = {key: name for name, key in self._runs.items()}
        return "".join(by_key[key] for key in keys)  # type: ignore[attr-defined]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    """The URL of an empty database of one's own; None is SQLite in the workspace's folder."""
    if request.param == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    admin = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    name = f"s{abs(hash(str(tmp_path)))}"
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.url.replace("/postgres", f"/{name}")
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def lab(tmp_path: Path, database: str | None) -> Iterator[Lab]:
    ws = make_workspace(tmp_path, database=database)
    yield Lab(ws)
    ws.close()
