"""What the runtime speaks of: a run, its steps, and the ways in which a run can come to a stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict, Lost, NoriaError

State = Literal["queued", "running", "sleeping", "waiting", "finished", "failed", "cancelled", "needs decision"]
"""Where a run stands. Only `running` has a worker; `queued`, `sleeping` and `waiting` cost nobody anything."""

UNFINISHED: tuple[State, ...] = ("queued", "running", "sleeping", "waiting", "needs decision")
"""States that something can still follow."""

ENDED: tuple[State, ...] = ("finished", "failed", "cancelled")
"""States that nothing follows by itself (a failed run may be retried by hand)."""

StepKind = Literal["idempotent", "once", "transaction", "sleep", "wait"]
"""What repeating a step would mean: harmless, forbidden, impossible; or a pause."""

StepState = Literal["started", "retrying", "finished", "failed"]

Decision = Literal["repeat", "done", "accept code"]
"""What a person may decide about a run that needs it: see `operations.decide`."""


@dataclass(frozen=True)
class WorkRun:
    """One execution of a workflow. Times are microseconds of the workspace's clock.

    `fence` counts how often the run was taken by a worker; `deaths` how often in a row its worker died, or the
    database went away, before another step was recorded.
    """

    run: str
    workflow: str
    args: dict[str, Any]
    state: State
    code: str
    dedup: str | None
    priority: int
    result: Any
    error: str
    wake_at: Micros | None
    waiting_for: str | None
    submitted_at: Micros
    started_at: Micros | None
    changed_at: Micros
    fence: int
    deaths: int


@dataclass(frozen=True)
class WorkStep:
    """One recorded step of a run. `result` is None once the run has been compacted."""

    run: str
    seq: int
    name: str
    kind: StepKind
    state: StepState
    attempt: int
    result: Any
    error: str
    at: Micros


class BadStep(BadInput):
    """A step was called in a way that could not be recorded or repeated."""

    code = "N2102"


class StepFailed(NoriaError):
    """A step, or the whole run, failed in an earlier execution; carries what was recorded then."""

    code = "N2103"


class NeedsDecision(Conflict):
    """Going on might do something twice, or under other code than it began with: a person must say."""

    code = "N2104"


class NotDeterministic(NeedsDecision):
    """A resumed workflow asked for other steps than those it recorded."""

    code = "N2105"


class NotFinished(Conflict):
    """The run has stopped for now: it sleeps, waits for a signal, or its worker was told to stop."""

    code = "N2106"


class Held(Conflict):
    """A living worker has the run."""

    code = "N2107"


class Cancelled(Lost):
    """Somebody cancelled the run while it was being worked on."""

    code = "N2108"


class WrongState(Conflict):
    """What was asked makes no sense in the run's present state."""

    code = "N2109"
