"""What can be done with runs: start, log, finish, look up."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import BadInput, Conflict, NotFound
from noria.stores.journal import Fact
from noria.tracking.model import Run
from noria.tracking.tables import run_metrics, run_params, runs
from noria.workspace.workspace import Workspace

_LONGEST = 255


class BadMetric(BadInput):
    """A metric that is no finite number."""

    code = "N2201"


def start_run(ws: Workspace, model: str, kind: str, inputs: Mapping[str, Any], *, run: str | None = None) -> str:
    """Begin a run; gives its id. Beginning one again under the same id changes nothing.

    Raises Conflict when the id belongs to a run of another model or kind.
    """
    run = run or ws.ids.new("run")
    with ws.database.transaction() as connection:
        row = {"id": run, "model": model, "kind": kind, "state": "running", "started": ws.clock.now()}
        known = sa.select(runs.c.model, runs.c.kind).where(runs.c.id == run)
        if found := connection.execute(known).one_or_none():
            if tuple(found) != (model, kind):
                raise Conflict(f"{run} is a {found.kind} of {found.model}, not a {kind} of {model}")
            return run
        connection.execute(sa.insert(runs).values(**row, ended=None, inputs=canonical(inputs), note=""))
        ws.journal.append(connection, Fact("RunStarted", f"run:{run}", {"model": model, "kind": kind}))
    return run


def log_params(ws: Workspace, run: str, params: Mapping[str, Any]) -> None:
    """Write values the run was made with; a name written again is overwritten. Raises NotFound."""
    rows = [{"run": run, "name": _name(name), "value": canonical(value)} for name, value in params.items()]
    with ws.database.transaction() as connection:
        _must_exist(connection, run)
        ws.database.upsert(connection, run_params, rows, ["run", "name"])


def log_metrics(ws: Workspace, run: str, metrics: Mapping[str, float]) -> None:
    """Write what the run measured. Raises BadMetric for what is no finite number, NotFound."""
    if bad := [name for name, value in metrics.items() if not _finite(value)]:
        raise BadMetric(f"{', '.join(bad)} of {run} is no finite number", hint="leave out what could not be measured")
    rows = [{"run": run, "name": _name(name), "value": float(value)} for name, value in metrics.items()]
    with ws.database.transaction() as connection:
        _must_exist(connection, run)
        ws.database.upsert(connection, run_metrics, rows, ["run", "name"])


def finish_run(ws: Workspace, run: str, state: Literal["finished", "failed"], note: str = "") -> None:
    """End a run. Ending it again changes nothing. Raises NotFound, BadInput for another state."""
    if state not in ("finished", "failed"):
        raise BadInput(f"a run ends finished or failed, not {state!r}")
    with ws.database.transaction() as connection:
        _must_exist(connection, run)
        changes = sa.update(runs).where(runs.c.id == run, runs.c.state == "running")
        if connection.execute(changes.values(state=state, ended=ws.clock.now(), note=note)).rowcount:
            kind = "RunFinished" if state == "finished" else "RunFailed"
            ws.journal.append(connection, Fact(kind, f"run:{run}", {"note": note}))


def get_run(ws: Workspace, run: str) -> Run:
    """One run with its params and metrics. Raises NotFound."""
    with ws.database.reading() as connection:
        _must_exist(connection, run)
        return _runs(connection, sa.select(runs).where(runs.c.id == run))[0]


def list_runs(ws: Workspace, model: str | None = None, limit: int = 50) -> list[Run]:
    """The newest runs, newest first."""
    query = sa.select(runs).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(max(limit, 0))
    if model is not None:
        query = query.where(runs.c.model == model)
    with ws.database.reading() as connection:
        return _runs(connection, query)


def _runs(connection: sa.Connection, query: sa.Select[Any]) -> list[Run]:
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    params: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for run, name, value in connection.execute(sa.select(run_params).where(run_params.c.run.in_(ids))):
        params[run][name] = json.loads(value)
    metrics: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for run, name, value in connection.execute(sa.select(run_metrics).where(run_metrics.c.run.in_(ids))):
        metrics[run][name] = value
    return [
        Run(
            id=row.id, model=row.model, kind=row.kind, state=row.state, started=row.started, ended=row.ended,
            inputs=json.loads(row.inputs), params=params[row.id], metrics=metrics[row.id], note=row.note,
        )
        for row in rows
    ]  # fmt: skip


def _must_exist(connection: sa.Connection, run: str) -> None:
    if connection.execute(sa.select(runs.c.id).where(runs.c.id == run)).first() is None:
        newest = sa.select(runs.c.id).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(20)
        raise NotFound("run", run, list(connection.execute(newest).scalars()))


def _name(name: str) -> str:
    if not 0 < len(name) <= _LONGEST:
        raise BadInput(f"a name has 1 to {_LONGEST} characters, not {len(name)}: {name[:40]!r}")
    return name


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False
