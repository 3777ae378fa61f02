"""What the runtime speaks of: durable runs, their steps, and why a run cannot go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from noria.core.clock import Micros
from noria.core.errors import Conflict, NoriaError

State = Literal["queued", "running", "sleeping", "waiting", "finished", "failed", "cancelled", "needs decision"]
ENDED: tuple[State, ...] = ("finished", "failed", "cancelled")
StepKind = Literal["idempotent", "transaction", "once", "sleep", "signal"]


@dataclass(frozen=True)
class WorkRun:
    """A durable run of a workflow.

    `fence` grows with every claim; a worker whose fence is not the newest may write nothing. `code` names the
    code that began it. `wake_at` is when a sleeping run goes on (workspace clock), `waiting_for` the signal a
    waiting one needs.
    """

    id: str
    workflow: str
    args: dict[str, Any]
    state: State
    code: str
    fence: int
    owner: str
    created: Micros
    wake_at: Micros | None = None
    waiting_for: str | None = None
    result: Any = None
    error: str = ""


@dataclass(frozen=True)
class WorkStep:
    """A step of a run as recorded: its place, name, kind, whether it is done, and its result."""

    seq: int
    name: str
    kind: StepKind
    state: Literal["started", "done", "failed"]
    attempts: int
    result: Any = field(default=None)


class NotDeterministic(NoriaError):
    """A resumed workflow asked for another step than the one recorded at this place."""

    code = "N2102"


class NeedsDecision(Conflict):
    """Only a person can tell how to go on: a step that may happen once was begun, or the code has changed."""

    code = "N2103"


class Held(Conflict):
    """Another live worker is working on the run."""

    code = "N2104"


class Suspended(Exception):
    """The run lets its worker go until a moment or a signal. Never caught by a workflow."""

    def __init__(self, state: Literal["sleeping", "waiting"], wake_at: Micros | None, signal: str | None) -> None:
        super().__init__(state)
        self.state, self.wake_at, self.signal = state, wake_at, signal
