"""A worker: takes runs, executes them, and lets go of them when they pause.

There is no scheduler: workers find work by asking the database, and taking a run is one compare-and-set that
raises the run's fence. Any number may run beside each other, in any number of processes.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from noria.core.clock import show_moment, sleep
from noria.core.errors import BadInput, Lost, NotFound
from noria.core.units import Duration, seconds
from noria.runtime.context import Context
from noria.runtime.heartbeat import Heartbeat
from noria.runtime.hold import Fault, Hold, describe, no_fault
from noria.runtime.lease import LONGEST, LeaseClock, Owner, machine, process_start
from noria.runtime.model import Cancelled, Held, NeedsDecision, NotDeterministic, NotFinished, StepFailed
from noria.runtime.tables import runs, steps
from noria.runtime.unwinding import INTERRUPTIONS, Halt, Suspend
from noria.workspace.workspace import Workspace

Workflow = Callable[[Context, dict[str, Any]], Any]
"""A plain function of a context and JSON arguments that gives a JSON result."""

LEASE = seconds(30)
"""How long a silent worker is believed to be at work."""

DEATHS = 25
"""So many workers in a row may die on one step before a person is asked; it may be the step that kills them."""

MISSES = 40
"""Tries to take a run that others keep changing or have locked, before giving up; 50 ms apart."""

_LATER = seconds(1)  # first pause after an interruption; doubles up to a few minutes


@dataclass(frozen=True)
class _Value:
    value: Any


class Worker:
    """Executes runs of some workflows.

    `workflows` by name. `code` gives the fingerprint of a workflow's present code: a run that has recorded steps
    under another fingerprint goes to "needs decision" unless its taker says `accept_code`. `lease` is how long
    a silent worker is believed in; a shorter one means a faster takeover from another machine (on the same one
    a dead worker is seen at once) and more false alarms on a loaded machine. `heartbeat=False` renews only
    with every recorded step. `fault` is for tests that stop the process at a certain place.
    """

    def __init__(
        self,
        ws: Workspace,
        workflows: Mapping[str, Workflow],
        *,
        lease: Duration = LEASE,
        heartbeat: bool = True,
        code: Mapping[str, str] | None = None,
        fault: Fault = no_fault,
    ) -> None:
        if not 0 < lease.micros <= LONGEST:
            raise BadInput(f"a lease of {lease} cannot be", hint="it lasts more than nothing and at most a day")
        self._ws = ws
        self._workflows = dict(workflows)
        self._code = dict(code or {})
        self._lease = lease
        self._fault = fault
        self._clock = LeaseClock(ws.database)
        pid = os.getpid()
        self._owner = Owner(machine(), pid, process_start(pid) or 0, secrets.token_hex(8))
        self._heartbeat = Heartbeat(ws.database, self._owner, lease) if heartbeat else None
        self._holding: set[str] = set()
        self._stop = threading.Event()

    def stop(self) -> None:
        """End at the next step: the present run goes back to the queue. May be called from anywhere."""
        self._stop.set()

    def run_until_idle(self) -> int:
        """Execute whatever is due, best priority first, until nothing is; gives how many executions that took.

        A run that fails, sleeps or needs a decision is an execution like any other: what became of it is in the
        database. Raises Unavailable when the database does not answer; call again when it does.
        """
        count = 0
        with self._beating():
            while not self._stop.is_set() and (hold := self._take_any()):
                count += 1
                with suppress(Exception, Suspend):
                    self._execute(*hold)
        return count

    def run(self, run: str, *, accept_code: bool = False) -> Any:
        """Take this run and execute it here; gives its result, at once when it has one.

        Pauses between two attempts of a step are waited for. Raises the error of the step that failed (or
        StepFailed when that was in an earlier execution), NotFinished when the run sleeps, waits or was
        stopped, NeedsDecision, Cancelled, Held when a living worker has it, NotFound.
        """
        missed = 0
        while True:
            row = self._row(run)
            if row.state == "finished":
                return json.loads(row.result)
            self._refuse(row)
            taken = self._take(row, accept_code=accept_code)
            if taken is None:  # somebody was faster, or has the row locked: look again at what it is now
                missed += 1
                if missed == MISSES:
                    raise Held(f"run {run} is always busy", hint="another worker is at it; try again later")
                sleep(0.05)
                continue
            pause = self._until_pause(*taken)
            if isinstance(pause, _Value):
                return pause.value
            sleep(pause.seconds)

    def _until_pause(self, hold: Hold, row: sa.Row[Any]) -> _Value | Duration:
        """Execute; gives the result, or how long to wait before the next attempt of a step."""
        with self._beating():
            try:
                return _Value(self._execute(hold, row))
            except Suspend as pause:
                if pause.pause is None or self._stop.is_set():
                    raise NotFinished(f"run {hold.run} {pause.why}", hint="run it again when that is over") from None
                return pause.pause

    def _execute(self, hold: Hold, row: sa.Row[Any]) -> Any:
        if self._heartbeat:
            self._heartbeat.start()
        self._holding.add(hold.run)
        try:
            return self._go(hold, row)
        except INTERRUPTIONS as error:
            pause = _LATER.micros << min(row.deaths, 8)
            with suppress(*INTERRUPTIONS, Lost):  # if even this cannot be written, the run stays ours to take again
                hold.let_go("interrupted", self._ws.clock.now() + pause, died=True, error=describe(error))
            raise
        finally:
            self._holding.discard(hold.run)

    def _go(self, hold: Hold, row: sa.Row[Any]) -> Any:
        try:
            context = Context(hold, row.started_at, self._stop.is_set)
            self._check_code(context, row)
            value = self._workflows[row.workflow](context, json.loads(row.args))
            context.close()
            return hold.finish(row.workflow, value)
        except (Suspend, Lost, *INTERRUPTIONS):
            raise
        except Halt as halt:
            hold.halt(row.workflow, halt.why)
            kind = NeedsDecision if halt.deterministic else NotDeterministic
            raise kind(halt.why, hint=_DECIDE) from None
        except Exception as error:
            hold.fail(row.workflow, error)
            raise
        except BaseException:  # Ctrl-C, SystemExit: nobody should have to wait for the lease to end
            with suppress(Exception):
                hold.let_go("interrupted")
            raise

    def _check_code(self, context: Context, row: sa.Row[Any]) -> None:
        now = self._code.get(row.workflow, "")
        if now and row.code and row.code != now and context.resumed:
            raise Halt(f"run {row.run} began under other code ({row.code[:12]}) than there is now ({now[:12]})")

    def _take_any(self) -> tuple[Hold, sa.Row[Any]] | None:
        for row in self._candidates():
            taken = self._take(row)
            if taken is None:
                continue
            if taken[1].deaths >= DEATHS:
                taken[0].halt(row.workflow, f"{taken[1].deaths} times in a row it was broken off within the same step")
                continue
            return taken
        return None

    def _candidates(self) -> Iterator[sa.Row[Any]]:
        mine = runs.c.workflow.in_(list(self._workflows))
        awake = runs.c.wake_at.is_(None) | (runs.c.wake_at <= self._ws.clock.now())
        due = mine & runs.c.state.in_(["queued", "sleeping"]) & awake
        ready = self._select().where(due).order_by(runs.c.priority.desc(), runs.c.run).limit(16)
        with self._ws.database.reading() as connection:
            running = connection.execute(self._select().where(mine, runs.c.state == "running")).all()
            rows = [row for row in running if self._is_free(row)] + list(connection.execute(ready))
        yield from rows

    def _is_free(self, row: sa.Row[Any]) -> bool:
        """Whether a running run has no worker: its lease ended, or it is ours and we are not at it."""
        abandoned = row.owner == str(self._owner) and row.run not in self._holding
        return abandoned or self._clock.over(row)

    def _select(self) -> sa.Select[Any]:
        return sa.select(runs, self._clock.now().label("clock"))

    def _row(self, run: str) -> sa.Row[Any]:
        with self._ws.database.reading() as connection:
            row = connection.execute(self._select().where(runs.c.run == run)).one_or_none()
        if row is None:
            raise NotFound("run", run)
        return row

    def _refuse(self, row: sa.Row[Any]) -> None:
        """Raise when a run cannot be executed now."""
        if row.state == "failed":
            raise StepFailed(f"run {row.run} failed: {row.error}", hint="operations.retry takes it up again")
        if row.state == "cancelled":
            raise Cancelled(f"run {row.run} was cancelled")
        if row.state == "needs decision":
            raise NeedsDecision(f"run {row.run}: {row.error}", hint=_DECIDE)
        if row.state == "waiting":
            raise NotFinished(f"run {row.run} waits for the signal {row.waiting_for!r}")
        if row.state == "sleeping" and row.wake_at > self._ws.clock.now():
            raise NotFinished(f"run {row.run} sleeps until {show_moment(row.wake_at)}")
        if row.state == "running" and not self._is_free(row):
            raise Held(f"run {row.run} is being worked on by process {row.owner.split(' ')[1]}", hint="let it finish")
        if row.workflow not in self._workflows:
            raise NotFound("workflow", row.workflow, self._workflows)

    def _take(self, row: sa.Row[Any], *, accept_code: bool = False) -> tuple[Hold, sa.Row[Any]] | None:
        """Compare-and-set: the run as it was seen becomes ours under the next fence, or somebody was faster."""
        seen = (runs.c.run == row.run) & (runs.c.fence == row.fence) & (runs.c.state == row.state)
        seen &= runs.c.lease_until.is_not_distinct_from(row.lease_until)
        now = self._ws.clock.now()
        code = self._code.get(row.workflow)
        unstarted = ~sa.exists().where(steps.c.run == row.run)
        changes: dict[str, Any] = {
            "state": "running", "fence": runs.c.fence + 1, "owner": str(self._owner),
            "lease_until": self._clock.now() + self._lease.micros, "wake_at": None, "waiting_for": None,
            "error": "", "changed_at": now,
            "started_at": sa.func.coalesce(runs.c.started_at, now),
            "deaths": runs.c.deaths + int(row.state == "running"),
        }  # fmt: skip
        if code:
            fresh = sa.true() if accept_code else (runs.c.code == "") | unstarted
            changes["code"] = sa.case((fresh, code), else_=runs.c.code)
        self._fault("take: begin")
        with self._ws.database.transaction() as connection:
            # a row that a transaction of its living worker has locked is not worth waiting for
            free = connection.execute(sa.select(runs.c.run).where(seen).with_for_update(skip_locked=True)).one_or_none()
            if free is None or connection.execute(sa.update(runs).where(seen).values(**changes)).rowcount != 1:
                return None
            taken = connection.execute(self._select().where(runs.c.run == row.run)).one()
            self._fault("take: commit")
        self._fault("take: done")
        return Hold(self._ws, row.run, taken.fence, self._lease, self._fault), taken

    @contextmanager
    def _beating(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self._heartbeat and not self._holding:  # a step may itself run another run with this worker
                self._heartbeat.stop()


_DECIDE = "look at its history, then operations.decide(ws, run, ...)"
