"""What the retraining folder speaks of: everything known about one model, and what became of a turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from noria.core.errors import BadInput
from noria.core.rules import Condition
from noria.core.units import Duration
from noria.data.model import SourceSpec
from noria.monitoring.model import MonitorSpec
from noria.rollout.model import RolloutSpec
from noria.serving.model import CacheRules, LaneRules, LoadRules, LogRules, ServedModel
from noria.training.model import TrainingSpec
from noria.validation.model import GateSpec


@dataclass(frozen=True)
class RetrainSpec:
    """When a turn starts by itself, and how long must lie between two."""

    when: Condition
    at_most: Duration


@dataclass(frozen=True)
class ModelPlan:
    """One model, declared completely: the sources it needs and every specification of its life."""

    name: str
    sources: tuple[SourceSpec, ...]
    training: TrainingSpec
    gates: GateSpec
    rollout: RolloutSpec
    monitors: MonitorSpec
    retrain: RetrainSpec | None = None
    log: LogRules | None = None
    cache: CacheRules | None = None
    lane: LaneRules = field(default_factory=LaneRules)
    load: LoadRules = field(default_factory=LoadRules)

    def served(self, alias: str) -> ServedModel:
        """The model as a data plane is to serve it, by that alias."""
        return ServedModel(self.training.inputs, alias, self.log, self.cache, self.lane, self.load)


TurnOutcome = Literal["unchanged", "promoted", "rollout started", "refused"]


@dataclass(frozen=True)
class StepReport:
    """What one step of a turn did: ran or was reused, why, and what it gave."""

    name: str
    reused: bool
    why: str
    seconds: float
    result: str


@dataclass(frozen=True)
class TurnReport:
    """What became of a turn. `promoted` at once when there was no champion to protect."""

    model: str
    run: str
    outcome: TurnOutcome
    version: int | None
    model_digest: str | None
    reason: str
    steps: tuple[StepReport, ...] = ()
    gates: tuple[str, ...] = ()


class Progress(Protocol):
    """Somebody who likes to know how a turn gets on: a progress bar, a log, nobody."""

    def started(self, step: str, total: int) -> None:
        """A step begins; it has `total` pieces of work."""
        ...

    def advanced(self, step: str, note: str = "") -> None:
        """One piece of a step is done."""
        ...

    def finished(self, report: StepReport) -> None:
        """A step is done."""
        ...


class Silent:
    """Nobody is watching."""

    def started(self, step: str, total: int) -> None:
        pass

    def advanced(self, step: str, note: str = "") -> None:
        pass

    def finished(self, report: StepReport) -> None:
        pass


class NothingToLearnFrom(BadInput):
    """The sources hold no request in the range the split asks for."""

    code = "N6301"
