"""What a workflow is given: steps that are done once, sleep and signals that hold no worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical
from noria.core.units import Duration, seconds
from noria.runtime import operations
from noria.runtime.model import NeedsDecision, NotDeterministic, Suspended, WorkRun, WorkStep
from noria.workspace.workspace import Workspace

_BACKOFF = seconds(1)


class Context:
    """One run in the hands of one worker. A workflow calls its methods in the same order every time."""

    def __init__(self, ws: Workspace, run: WorkRun) -> None:
        self._ws, self._run = ws, run
        self._recorded = {step.seq: step for step in operations.history(ws, run.id)}
        self._seq = 0

    @property
    def run(self) -> str:
        """The run's id."""
        return self._run.id

    @property
    def idempotency_key(self) -> str:
        """A key that is the same whenever the step being done is tried again; for calls to other systems."""
        return f"{self._run.id}/{self._seq}"

    def step(
        self,
        name: str,
        work: Callable[[], Any],
        *,
        kind: Literal["idempotent", "once"] = "idempotent",
        attempts: int = 1,
        backoff: Duration = _BACKOFF,
    ) -> Any:
        """Do `work` and record what it gives (JSON); on a resumed run give what was recorded.

        `idempotent` work may be done again after a crash before it was recorded. `once` work is marked before
        it begins; if a worker dies in it, the run waits for a person to decide. Idempotent work that raises is
        tried up to `attempts` times, `backoff` apart and twice as long each time, holding no worker meanwhile.
        """
        seq, recorded = self._next(name)
        if recorded is not None and recorded.state == "done":
            return recorded.result
        if recorded is not None and recorded.state == "started":
            raise NeedsDecision(
                f"step {name!r} of {self.run} was begun by a worker that died; whether it happened is not known",
                hint="find out, then let the run go on or cancel it",
            )
        if kind == "once":
            self._record(WorkStep(seq, name, kind, "started", 1))
        tried = (recorded.attempts if recorded else 0) + 1
        try:
            result = _plain(work())
        except Exception:
            if tried >= attempts:
                raise
            self._record(WorkStep(seq, name, kind, "failed", tried))
            raise Suspended("sleeping", self.now() + backoff.micros * 2 ** (tried - 1), None) from None
        self._record(WorkStep(seq, name, kind, "done", tried, result))
        return result

    def transaction_step(self, name: str, work: Callable[[sa.Connection], Any]) -> Any:
        """Do `work` in the very transaction that records it: its effect on our database happens exactly once."""
        seq, recorded = self._next(name)
        if recorded is not None:
            return recorded.result
        with self._ws.database.transaction() as connection:
            operations.guard(connection, self._run)
            result = _plain(work(connection))
            operations.record_step(connection, self._run, WorkStep(seq, name, "transaction", "done", 1, result))
        return result

    def sleep(self, name: str, length: Duration) -> None:
        """Go on after `length` on the workspace's clock; the worker is free meanwhile."""
        seq, recorded = self._next(name)
        if recorded is None:
            recorded = WorkStep(seq, name, "sleep", "done", 1, self.now() + length.micros)
            self._record(recorded)
        if self.now() < recorded.result:
            raise Suspended("sleeping", recorded.result, None)

    def wait(self, signal: str) -> Any:
        """Go on when somebody signals; gives the signal's value. The worker is free meanwhile."""
        seq, recorded = self._next(signal)
        if recorded is not None:
            return recorded.result
        with self._ws.database.reading() as connection:
            come, value = operations.signalled(connection, self.run, signal)
        if not come:
            raise Suspended("waiting", None, signal)
        self._record(WorkStep(seq, signal, "signal", "done", 1, value))
        return value

    def now(self) -> Micros:
        """The workspace's clock. Record it in a step when a decision depends on it."""
        return self._ws.clock.now()

    def _next(self, name: str) -> tuple[int, WorkStep | None]:
        self._seq += 1
        recorded = self._recorded.get(self._seq)
        if recorded is not None and recorded.name != name:
            raise NotDeterministic(
                f"{self.run} recorded step {self._seq} as {recorded.name!r}, the workflow now asks for {name!r}",
                hint="a workflow must ask for the same steps in the same order; cancel the run and start anew",
            )
        return self._seq, recorded

    def _record(self, step: WorkStep) -> None:
        with self._ws.database.transaction() as connection:
            operations.guard(connection, self._run)
            operations.record_step(connection, self._run, step)


def _plain(value: Any) -> Any:
    """A result as it will be read back, so that a first run and a resumed one see the same."""
    return json.loads(canonical(value))
