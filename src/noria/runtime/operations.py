"""What can be done with durable work: submit it, look at it, signal, cancel, retry, decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import BadInput, Conflict, NotFound
from noria.core.units import Duration
from noria.runtime.hold import NOBODY, encode, to_step
from noria.runtime.model import ENDED, UNFINISHED, Decision, WorkRun, WorkStep, WrongState
from noria.runtime.tables import runs, signals, steps
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


def submit(
    ws: Workspace,
    workflow: str,
    args: Mapping[str, Any],
    *,
    dedup: str | None = None,
    code: str = "",
    priority: int = 0,
) -> str:
    """Ask for a run of a workflow with JSON arguments; gives its id. Some worker will take it.

    While a run with the same `dedup` key is unfinished or finished, its id is given and nothing is submitted.
    `code` is the fingerprint of the workflow's code, compared when the run is resumed ("" compares nothing).
    Larger `priority` goes first. Raises BadInput when the arguments are not JSON.
    """
    try:
        text = canonical(dict(args))
    except (TypeError, ValueError) as error:
        raise BadInput(f"the arguments of {workflow} are not JSON: {error}") from error
    now, run = ws.clock.now(), ws.ids.new("work")
    row = {
        "run": run, "workflow": workflow, "args": text, "state": "queued", "code": code, "dedup": dedup,
        "priority": priority, "error": "", "submitted_at": now, "changed_at": now, "fence": 0, "deaths": 0,
    }  # fmt: skip
    known = _active(ws, dedup)
    if known:
        return known
    try:
        with ws.database.transaction() as connection:
            connection.execute(sa.insert(runs).values(**row))
            ws.journal.append(connection, Fact("WorkSubmitted", f"work:{run}", {"workflow": workflow, "dedup": dedup}))
    except Conflict:
        known = _active(ws, dedup)  # somebody submitted the same in this moment
        if known is None:
            raise
        return known
    return run


def signal(ws: Workspace, run: str, name: str, value: Any = None) -> None:
    """Send a signal with a small JSON value to a run; it wakes when it waits for that name.

    A signal is kept until a `wait` receives it, so it may come before. Raises NotFound, or WrongState when the
    run has ended.
    """
    text = encode(value, f"the value of signal {name!r}")
    with ws.database.transaction() as connection:
        _lock(connection, run, UNFINISHED, f"signal {name!r} cannot reach")
        last = sa.select(sa.func.max(signals.c.number)).where(signals.c.run == run)
        number = (connection.execute(last).scalar() or 0) + 1
        connection.execute(
            sa.insert(signals).values(run=run, number=number, name=name, value=text, at=ws.clock.now(), taken_by=None)
        )
        waits = (runs.c.run == run) & (runs.c.state == "waiting") & (runs.c.waiting_for == name)
        connection.execute(sa.update(runs).where(waits).values(state="queued", waiting_for=None))


def cancel(ws: Workspace, run: str) -> None:
    """End a run wherever it stands; a worker that has it can write nothing more and stops at its next step.

    Raises NotFound, or WrongState when it has ended otherwise; cancelling twice is no error.
    """
    with ws.database.transaction() as connection:
        row = _lock(connection, run, (*UNFINISHED, "cancelled"), "too late to cancel")
        if row.state == "cancelled":
            return
        changes = {"state": "cancelled", "fence": runs.c.fence + 1, "changed_at": ws.clock.now(), **NOBODY}
        connection.execute(sa.update(runs).where(runs.c.run == run).values(**changes))
        ws.journal.append(connection, Fact("WorkCancelled", f"work:{run}", {"workflow": row.workflow}))


def retry(ws: Workspace, run: str) -> None:
    """Queue a failed run again: it goes on at the step that failed.

    Raises NotFound, WrongState when it has not failed, Conflict when another run took its dedup key since.
    """
    with ws.database.transaction() as connection:
        row = _lock(connection, run, ("failed",), "only a failed run can be retried, not")
        connection.execute(sa.delete(steps).where(steps.c.run == run, steps.c.state == "failed"))
        _requeue(ws, connection, row, {"decision": "retry"})


def decide(ws: Workspace, run: str, decision: Decision, value: Any = None) -> None:
    """Answer a run that needs a decision, and queue it.

    "repeat": go on; a once-step in doubt is done again. "done": the once-step in doubt did happen, with this
    result. "accept code": go on under the present code. To give up, `cancel` it. Raises NotFound, WrongState
    when nothing is to be decided or "done" is said and no step is in doubt.
    """
    if decision not in ("repeat", "done", "accept code"):
        raise BadInput(f"{decision!r} is no decision", hint='say "repeat", "done" or "accept code"')
    text = encode(value, "the result that was decided")
    with ws.database.transaction() as connection:
        row = _lock(connection, run, ("needs decision",), "nothing is to be decided about")
        doubtful = (steps.c.run == run) & (steps.c.state == "started")
        if decision == "repeat":
            connection.execute(sa.delete(steps).where(doubtful))
        elif decision == "done":
            settled = sa.update(steps).where(doubtful).values(state="finished", result=text, at=ws.clock.now())
            if connection.execute(settled).rowcount != 1:
                raise WrongState(f"no step of run {run} is in doubt, so none can be declared done: {row.error}")
        _requeue(ws, connection, row, {"decision": decision}, code="" if decision == "accept code" else row.code)


def status(ws: Workspace, run: str) -> WorkRun:
    """A run as it stands. Raises NotFound."""
    with ws.database.reading() as connection:
        row = connection.execute(sa.select(runs).where(runs.c.run == run)).one_or_none()
    if row is None:
        raise NotFound("run", run)
    return _to_run(row)


def history(ws: Workspace, run: str) -> list[WorkStep]:
    """The recorded steps of a run, in order; empty for one that has none."""
    with ws.database.reading() as connection:
        return [
            to_step(row) for row in connection.execute(sa.select(steps).where(steps.c.run == run).order_by(steps.c.seq))
        ]


def unfinished(ws: Workspace, workflow: str) -> list[WorkRun]:
    """Runs of a workflow that something can still follow, oldest first."""
    query = sa.select(runs).where(runs.c.workflow == workflow, runs.c.state.in_(UNFINISHED)).order_by(runs.c.run)
    with ws.database.reading() as connection:
        return [_to_run(row) for row in connection.execute(query)]


def submit_due(ws: Workspace, workflow: str, args: Mapping[str, Any], every: Duration, *, code: str = "") -> str | None:
    """The schedule "once in every interval": submits the run of the present interval unless there was one.

    Intervals are counted from 1970, so any number of callers agree and only one run comes of it. After a long
    silence one run catches up, not one for each interval missed. Gives the new id, or None.
    """
    if every.micros <= 0:
        raise BadInput(f"a schedule of every {every} cannot be")
    dedup = f"{workflow} every {every} #{ws.clock.now() // every.micros}"
    with ws.database.reading() as connection:
        if connection.execute(sa.select(runs.c.run).where(runs.c.dedup == dedup).limit(1)).first():
            return None
    return submit(ws, workflow, args, dedup=dedup, code=code)


def compact(ws: Workspace, *, older_than: Duration) -> int:
    """Forget the results of the steps of runs that ended longer ago than this; gives how many rows shrank.

    Which steps there were, when, in how many attempts and with which errors stays for ever, and so do the
    run's own arguments and result.
    """
    old = sa.select(runs.c.run).where(runs.c.state.in_(ENDED), runs.c.changed_at < ws.clock.now() - older_than.micros)
    with ws.database.transaction() as connection:
        gone = sa.select(runs.c.run).where(runs.c.run.in_(old), runs.c.state != "failed")  # a failed one may be retried
        connection.execute(sa.delete(signals).where(signals.c.run.in_(gone)))
        emptied = sa.update(steps).where(steps.c.run.in_(gone), steps.c.result.is_not(None)).values(result=None)
        return connection.execute(emptied).rowcount


def _active(ws: Workspace, dedup: str | None) -> str | None:
    if dedup is None:
        return None
    query = sa.select(runs.c.run).where(runs.c.dedup == dedup, runs.c.state.not_in(["failed", "cancelled"]))
    with ws.database.reading() as connection:
        return connection.execute(query).scalar_one_or_none()


def _lock(connection: sa.Connection, run: str, states: tuple[str, ...], refusal: str) -> sa.Row[Any]:
    """The row of a run, locked until the transaction ends, when it is in one of these states."""
    row = connection.execute(sa.select(runs).where(runs.c.run == run).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("run", run)
    if row.state not in states:
        raise WrongState(f"{refusal} run {run}: it is {row.state}")
    return row


def _requeue(
    ws: Workspace, connection: sa.Connection, row: sa.Row[Any], data: Mapping[str, Any], **changes: Any
) -> None:
    values = {"state": "queued", "error": "", "wake_at": None, "deaths": 0, "changed_at": ws.clock.now(), **changes}
    connection.execute(sa.update(runs).where(runs.c.run == row.run).values(**values))
    ws.journal.append(connection, Fact("WorkResumed", f"work:{row.run}", {"workflow": row.workflow, **data}))


def _to_run(row: sa.Row[Any]) -> WorkRun:
    values = {name: value for name, value in row._mapping.items() if name not in ("owner", "lease_until")}
    result = None if row.result is None else json.loads(row.result)
    return WorkRun(**{**values, "args": json.loads(row.args), "result": result})
