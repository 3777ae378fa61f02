"""What can be done with durable work: submit, claim, record, signal, cancel, look up.

Every change of a run that is being worked on is one statement guarded by the worker's fence; when it changes
nothing, the run belongs to another worker now, and `Lost` is raised before anything else is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros, SystemClock
from noria.core.digest import canonical
from noria.core.errors import Lost, NotFound
from noria.core.units import Duration
from noria.runtime.model import ENDED, Held, State, WorkRun, WorkStep
from noria.runtime.owner import is_dead, this_process
from noria.runtime.tables import work_runs, work_signals, work_steps
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace

_RUN = work_runs.c


def submit(
    ws: Workspace,
    workflow: str,
    args: Mapping[str, Any],
    *,
    dedup: str | None = None,
    code: str = "",
    priority: int = 0,
) -> str:
    """Queue a run; gives its id. A `dedup` key that was used before gives the run it was used for."""
    with ws.database.transaction() as connection:
        if dedup is not None:
            known = connection.execute(sa.select(_RUN.id).where(_RUN.dedup == dedup)).scalar_one_or_none()
            if known is not None:
                return str(known)
        run = ws.ids.new("work")
        row = {
            "id": run, "workflow": workflow, "args": canonical(args), "state": "queued", "code": code,
            "priority": priority, "dedup": dedup, "fence": 0, "owner": "", "lease_until": 0, "error": "",
            "created": ws.clock.now(),
        }  # fmt: skip
        connection.execute(sa.insert(work_runs).values(**row))
        ws.journal.append(connection, Fact("WorkSubmitted", f"work:{run}", {"workflow": workflow}))
    return run


def claim(ws: Workspace, workflows: Mapping[str, Any], lease: Duration, *, run: str | None = None) -> WorkRun | None:
    """Take a run that is ready, or `run` itself; None when there is none.

    Ready is: queued, slept enough, signalled, or held by a worker that is dead or let its lease run out.
    Raises NotFound for an unknown `run`, Held when a live worker has it.
    """
    with ws.database.transaction() as connection:
        wall = _wall(ws, connection)
        query = sa.select(work_runs).where(_RUN.workflow.in_(list(workflows)), _RUN.state.not_in(ENDED))
        query = query.order_by(_RUN.priority.desc(), _RUN.created, _RUN.id).with_for_update(skip_locked=True)
        if run is not None:
            query = query.where(_RUN.id == run)
        for row in connection.execute(query):
            if not _ready(ws, connection, row, wall):
                continue
            values = {
                "state": "running", "fence": row.fence + 1, "owner": this_process(),
                "lease_until": wall + lease.micros, "wake_at": None, "waiting_for": None,
            }  # fmt: skip
            guard = (_RUN.id == row.id, _RUN.fence == row.fence)
            if connection.execute(sa.update(work_runs).where(*guard).values(**values)).rowcount:
                return _as_run({**row._mapping, **values})
    if run is not None:
        found = status(ws, run)
        if found.state == "running":
            raise Held(f"{run} is being worked on by {found.owner}", hint="wait for it, or stop that process")
    return None


def guard(connection: sa.Connection, run: WorkRun) -> None:
    """Raise Lost unless the run still belongs to the worker with this fence. Locks the run for the transaction."""
    mine = (_RUN.id == run.id, _RUN.fence == run.fence, _RUN.state == "running")
    if not connection.execute(sa.update(work_runs).where(*mine).values(fence=run.fence)).rowcount:
        raise Lost(f"{run.id} belongs to another worker now", hint="it goes on there; write nothing more")


def record_step(connection: sa.Connection, run: WorkRun, step: WorkStep) -> None:
    """Write a step, inside the caller's transaction, after `guard`."""
    row = {
        "run": run.id, "seq": step.seq, "name": step.name, "kind": step.kind, "state": step.state,
        "attempts": step.attempts, "result": canonical(step.result),
    }  # fmt: skip
    mine = (work_steps.c.run == run.id, work_steps.c.seq == step.seq)
    if not connection.execute(sa.update(work_steps).where(*mine).values(**row)).rowcount:
        connection.execute(sa.insert(work_steps).values(**row))


def release(ws: Workspace, run: WorkRun, state: State, *, result: Any = None, error: str = "", **values: Any) -> None:
    """Leave a run in another state than running. Raises Lost."""
    with ws.database.transaction() as connection:
        guard(connection, run)
        values = {**values, "state": state, "result": canonical(result), "error": error, "lease_until": 0}
        connection.execute(sa.update(work_runs).where(_RUN.id == run.id).values(**values))
        if state in ENDED:
            kind = {"finished": "WorkFinished", "failed": "WorkFailed", "cancelled": "WorkCancelled"}[state]
            ws.journal.append(connection, Fact(kind, f"work:{run.id}", {"workflow": run.workflow, "error": error}))


def signal(ws: Workspace, run: str, name: str, value: Any = None) -> None:
    """Tell a run something it waits for; the first value of a name counts. Raises NotFound."""
    with ws.database.transaction() as connection:
        _one(connection, run)
        known = sa.select(work_signals.c.name).where(work_signals.c.run == run, work_signals.c.name == name)
        if not connection.execute(known).first():
            connection.execute(sa.insert(work_signals).values(run=run, name=name, value=canonical(value)))
            ws.journal.append(connection, Fact("WorkSignalled", f"work:{run}", {"name": name}))


def signalled(connection: sa.Connection, run: str, name: str) -> tuple[bool, Any]:
    """Whether a signal has come, and its value."""
    query = sa.select(work_signals.c.value).where(work_signals.c.run == run, work_signals.c.name == name)
    found = connection.execute(query).scalar_one_or_none()
    return (False, None) if found is None else (True, json.loads(found))


def cancel(ws: Workspace, run: str) -> None:
    """End a run that has not ended; a worker that has it is Lost at its next write. Raises NotFound."""
    with ws.database.transaction() as connection:
        row = _one(connection, run)
        values = {"state": "cancelled", "fence": row.fence + 1, "lease_until": 0}
        going = (_RUN.id == run, _RUN.state.not_in(ENDED))
        if connection.execute(sa.update(work_runs).where(*going).values(**values)).rowcount:
            ws.journal.append(connection, Fact("WorkCancelled", f"work:{run}", {"workflow": row.workflow}))


def decide(ws: Workspace, run: str, *, code: str) -> None:
    """Let a run that needs a decision go on, with the code it will now be run with. Raises NotFound."""
    with ws.database.transaction() as connection:
        _one(connection, run)
        asked = (_RUN.id == run, _RUN.state == "needs decision")
        connection.execute(sa.update(work_runs).where(*asked).values(state="queued", code=code))
        begun = (work_steps.c.run == run, work_steps.c.state == "started")
        connection.execute(sa.delete(work_steps).where(*begun))


def status(ws: Workspace, run: str) -> WorkRun:
    """A run as it stands. Raises NotFound."""
    with ws.database.reading() as connection:
        return _run(_one(connection, run))


def unfinished(ws: Workspace, workflow: str) -> list[WorkRun]:
    """The runs of a workflow that have not ended, oldest first."""
    query = sa.select(work_runs).where(_RUN.workflow == workflow, _RUN.state.not_in(ENDED))
    with ws.database.reading() as connection:
        return [_run(row) for row in connection.execute(query.order_by(_RUN.created, _RUN.id))]


def history(ws: Workspace, run: str) -> list[WorkStep]:
    """The steps of a run, in order."""
    query = sa.select(work_steps).where(work_steps.c.run == run).order_by(work_steps.c.seq)
    with ws.database.reading() as connection:
        return [
            WorkStep(row.seq, row.name, row.kind, row.state, row.attempts, json.loads(row.result))
            for row in connection.execute(query)
        ]


def _ready(ws: Workspace, connection: sa.Connection, row: sa.Row[Any], wall: Micros) -> bool:
    if row.state == "queued":
        return True
    if row.state == "sleeping":
        return row.wake_at is not None and int(row.wake_at) <= ws.clock.now()
    if row.state == "waiting":
        return signalled(connection, row.id, row.waiting_for)[0]
    return row.state == "running" and (int(row.lease_until) < wall or is_dead(row.owner))


def _wall(ws: Workspace, connection: sa.Connection) -> Micros:
    """The time leases are measured in: the database's own where it has one, so that no two clocks disagree."""
    if ws.database.is_sqlite:
        return SystemClock().now()
    moment = connection.execute(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
    return int(moment.scalar_one())


def _one(connection: sa.Connection, run: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(work_runs).where(_RUN.id == run)).one_or_none()
    if row is None:
        raise NotFound("run of work", run)
    return row


def _run(row: sa.Row[Any]) -> WorkRun:
    return _as_run(dict(row._mapping))


def _as_run(row: Mapping[str, Any]) -> WorkRun:
    return WorkRun(
        id=row["id"], workflow=row["workflow"], args=json.loads(row["args"]), state=row["state"], code=row["code"],
        fence=row["fence"], owner=row["owner"], created=row["created"], wake_at=row["wake_at"],
        waiting_for=row["waiting_for"], result=json.loads(row["result"]) if row["result"] else None,
        error=row["error"],
    )  # fmt: skip
