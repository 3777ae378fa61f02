"""What can be done with runs: start, log, finish, look up."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import BadInput, NotFound
from noria.stores.journal import Fact
from noria.tracking.model import Run
from noria.tracking.tables import run_metrics, run_params, runs
from noria.workspace.workspace import Workspace


class BadMetric(BadInput):
    """A metric that is no finite number."""

    code = "N2201"


def start_run(ws: Workspace, model: str, kind: str, inputs: Mapping[str, Any], *, run: str | None = None) -> str:
    """Begin a run; gives its id. Beginning one again under the same id changes nothing."""
    run = run or ws.ids.new("run")
    with ws.database.transaction() as connection:
        if connection.execute(sa.select(runs.c.id).where(runs.c.id == run)).first():
            return run
        row = {"id": run, "model": model, "kind": kind, "state": "running", "started": ws.clock.now()}
        connection.execute(sa.insert(runs).values(**row, ended=None, inputs=canonical(inputs), note=""))
        ws.journal.append(connection, Fact("RunStarted", f"run:{run}", {"model": model, "kind": kind}))
    return run


def log_params(ws: Workspace, run: str, params: Mapping[str, Any]) -> None:
    """Write values the run was made with; a name written again is overwritten."""
    rows = [{"run": run, "name": name, "value": canonical(value)} for name, value in params.items()]
    with ws.database.transaction() as connection:
        ws.database.upsert(connection, run_params, rows, ["run", "name"])


def log_metrics(ws: Workspace, run: str, metrics: Mapping[str, float]) -> None:
    """Write what the run measured. Raises BadMetric for NaN and infinity."""
    if bad := [name for name, value in metrics.items() if not math.isfinite(value)]:
        raise BadMetric(f"{', '.join(bad)} of {run} is no finite number")
    rows = [{"run": run, "name": name, "value": float(value)} for name, value in metrics.items()]
    with ws.database.transaction() as connection:
        ws.database.upsert(connection, run_metrics, rows, ["run", "name"])


def finish_run(ws: Workspace, run: str, state: Literal["finished", "failed"], note: str = "") -> None:
    """End a run. Ending it again changes nothing. Raises NotFound."""
    with ws.database.transaction() as connection:
        changes = sa.update(runs).where(runs.c.id == run, runs.c.state == "running")
        if connection.execute(changes.values(state=state, ended=ws.clock.now(), note=note)).rowcount:
            kind = "RunFinished" if state == "finished" else "RunFailed"
            ws.journal.append(connection, Fact(kind, f"run:{run}", {"note": note}))
        elif not connection.execute(sa.select(runs.c.id).where(runs.c.id == run)).first():
            raise NotFound("run", run)


def get_run(ws: Workspace, run: str) -> Run:
    """One run with its params and metrics. Raises NotFound."""
    with ws.database.reading() as connection:
        row = connection.execute(sa.select(runs).where(runs.c.id == run)).one_or_none()
        if row is None:
            known = connection.execute(sa.select(runs.c.id).order_by(runs.c.started.desc()).limit(20)).scalars()
            raise NotFound("run", run, list(known))
        return _run(connection, row)


def list_runs(ws: Workspace, model: str | None = None, limit: int = 50) -> list[Run]:
    """The newest runs, newest first."""
    query = sa.select(runs).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(limit)
    if model is not None:
        query = query.where(runs.c.model == model)
    with ws.database.reading() as connection:
        return [_run(connection, row) for row in connection.execute(query).all()]


def _run(connection: sa.Connection, row: sa.Row[Any]) -> Run:
    params = connection.execute(sa.select(run_params.c.name, run_params.c.value).where(run_params.c.run == row.id))
    metrics = connection.execute(sa.select(run_metrics.c.name, run_metrics.c.value).where(run_metrics.c.run == row.id))
    return Run(
        id=row.id, model=row.model, kind=row.kind, state=row.state, started=row.started, ended=row.ended,
        inputs=json.loads(row.inputs), params={name: json.loads(value) for name, value in params.tuples()},
        metrics=dict(metrics.tuples().all()), note=row.note,
    )  # fmt: skip
