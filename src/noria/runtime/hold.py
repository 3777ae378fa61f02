"""A run in a worker's hands: the only thing that writes to a running run, and always under its fence.

Every change is one transaction that begins with one UPDATE guarded by the fence the run was taken with. It also
renews the lease. When it touches no row, somebody else has the run: `Lost` is raised, the transaction is rolled
back, and this hold writes nothing more. On PostgreSQL that UPDATE locks the row until the commit, so the fence
cannot move between the guard and the effect; on SQLite there is only one writer anyway.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical
from noria.core.errors import Lost, NoriaError
from noria.core.units import Duration
from noria.runtime.lease import LeaseClock, local_now
from noria.runtime.model import BadStep, Cancelled, StepKind, WorkStep
from noria.runtime.tables import runs, signals, steps
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace

LARGEST = 1 << 20
"""Bytes of JSON that a result may have; anything larger belongs into the blob store, and its digest here."""

NOBODY: dict[str, Any] = {"owner": None, "lease_until": None}
"""Columns of a run that no worker has."""

Fault = Callable[[str], None]
"""Called with the name of a place in the code (`step: commit`): lets a test stop the process exactly there."""

_GUARD = sa.update(runs).where(
    runs.c.run == sa.bindparam("at_run"), runs.c.fence == sa.bindparam("at_fence"), runs.c.state == "running"
)
_RECORD = sa.insert(steps)
_RECORD_AGAIN = sa.update(steps).where(steps.c.run == sa.bindparam("at_run"), steps.c.seq == sa.bindparam("at_seq"))


def no_fault(_place: str) -> None:
    """Nothing happens."""


class Hold:
    """One taken run. Not safe for threads: a run is worked on by one."""

    def __init__(self, ws: Workspace, run: str, fence: int, lease: Duration, fault: Fault = no_fault) -> None:
        self.ws = ws
        self.run = run
        self.lost: Lost | None = None
        self._key: dict[str, Any] = {"at_run": run, "at_fence": fence}
        self._lease = lease.micros
        self._fault = fault
        self._clock = LeaseClock(ws.database)
        until = sa.bindparam("until", type_=sa.BigInteger) if self._clock.is_local else self._clock.now() + lease.micros
        self._progress = _GUARD.values(lease_until=until, changed_at=sa.bindparam("changed"), deaths=0)

    @contextmanager
    def writing(self, place: str, **changes: Any) -> Iterator[sa.Connection]:
        """A guarded transaction. `changes` are columns of the run, set together with what the block writes."""
        if self.lost:
            raise self.lost
        self._fault(f"{place}: begin")
        with self.ws.database.transaction() as connection:
            self.guard(connection, **changes)
            yield connection
            self._fault(f"{place}: commit")
        self._fault(f"{place}: done")

    def guard(self, connection: sa.Connection, **changes: Any) -> None:
        """The one UPDATE. Raises Lost, or Cancelled, when the run is no longer ours."""
        now = self.ws.clock.now()
        if changes:
            lease_until = self._clock.now() + self._lease
            statement = _GUARD.values(**{"lease_until": lease_until, "changed_at": now, **changes})
            values = self._key
        else:  # the common case, a step: its statement is built once
            statement, values = self._progress, {**self._key, "changed": now}
            if self._clock.is_local:
                values["until"] = local_now() + self._lease
        if connection.execute(statement, values).rowcount != 1:
            self.lost = self._why_lost(connection)
            raise self.lost

    def record(
        self, connection: sa.Connection, seq: int, values: Mapping[str, Any], new: tuple[str, StepKind] | None
    ) -> None:
        """Write a step's row inside a guarded transaction; `new` is its name and kind when it has no row yet."""
        if new is None:
            connection.execute(_RECORD_AGAIN, {**values, "at_run": self.run, "at_seq": seq})
        else:
            connection.execute(_RECORD, {**values, "run": self.run, "seq": seq, "name": new[0], "kind": new[1]})

    def history(self) -> dict[int, WorkStep]:
        """The steps recorded so far, by number."""
        with self.ws.database.reading() as connection:
            return {
                row.seq: to_step(row) for row in connection.execute(sa.select(steps).where(steps.c.run == self.run))
            }

    def take_signal(self, connection: sa.Connection, name: str, seq: int) -> str | None:
        """The oldest signal of a name that no step has received; it now belongs to step `seq`."""
        free = (signals.c.run == self.run) & (signals.c.name == name) & signals.c.taken_by.is_(None)
        query = sa.select(signals.c.number, signals.c.value).where(free).order_by(signals.c.number).limit(1)
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        taken = sa.update(signals).where(signals.c.run == self.run, signals.c.number == row.number)
        connection.execute(taken.values(taken_by=seq))
        return str(row.value)

    def let_go(self, place: str, wake_at: Micros | None = None, *, died: bool = False, error: str = "") -> None:
        """Back to the queue, unharmed; `died` when it was broken off within a step."""
        deaths = {"deaths": runs.c.deaths + 1} if died else {}
        with self.writing(place, state="queued", wake_at=wake_at, error=error, **NOBODY, **deaths):
            pass

    def finish(self, workflow: str, value: Any) -> Any:
        """The run has its result."""
        text = encode(value, f"the result of {workflow}")
        with self.writing("finish", state="finished", result=text, error="", **NOBODY) as connection:
            self.ws.journal.append(connection, Fact("WorkFinished", f"work:{self.run}", {"workflow": workflow}))
        return json.loads(text)

    def fail(self, workflow: str, error: Exception) -> None:
        """The run has failed for good."""
        text = describe(error)
        with self.writing("fail", state="failed", error=text, **NOBODY) as connection:
            data = {"workflow": workflow, "error": text}
            self.ws.journal.append(connection, Fact("WorkFailed", f"work:{self.run}", data))

    def halt(self, workflow: str, why: str) -> None:
        """The run may not go on before a person has decided."""
        with self.writing("halt", state="needs decision", error=why, **NOBODY) as connection:
            data = {"workflow": workflow, "why": why}
            self.ws.journal.append(connection, Fact("WorkHalted", f"work:{self.run}", data))

    def _why_lost(self, connection: sa.Connection) -> Lost:
        state = connection.execute(sa.select(runs.c.state).where(runs.c.run == self.run)).scalar_one_or_none()
        if state == "cancelled":
            return Cancelled(f"run {self.run} was cancelled", hint="nothing more was written")
        return Lost(
            f"run {self.run} now belongs to another worker: this one did not renew its lease in time",
            hint="nothing more was written here; the other worker goes on",
        )


def encode(value: Any, what: str) -> str:
    """A result as JSON. Raises BadStep when it has no JSON form or is too large."""
    try:
        text = canonical(value)
    except (TypeError, ValueError) as error:
        raise BadStep(
            f"{what} is not JSON: {error}", hint="return numbers, text, lists, dictionaries or None"
        ) from error
    if len(text) > LARGEST:
        raise BadStep(
            f"{what} has {len(text):,} characters of JSON; at most {LARGEST:,} are kept",
            hint="put the bytes into the blob store (ws.blobs.put) and return their digest",
        )
    return text


def describe(error: BaseException) -> str:
    """An error as one recorded text: what it says, and the innermost line it came from."""
    text = str(error) if isinstance(error, NoriaError) else f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text}\n  at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else text


def to_step(row: sa.Row[Any]) -> WorkStep:
    """A row of the steps table as a value."""
    values = dict(row._mapping)
    return WorkStep(**{**values, "result": None if row.result is None else json.loads(row.result)})
