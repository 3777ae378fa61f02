"""What the rollout folder speaks of: stages, the rules that abort, and the state of a takeover."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from noria.core.clock import Micros
from noria.core.errors import Conflict
from noria.core.rules import Rule
from noria.core.units import Requests

RolloutState = Literal["running", "promoted", "rolled back", "inconclusive"]


@dataclass(frozen=True)
class StageSpec:
    """One step: `shadow` (the challenger is scored, never answers) or `canary` (it answers `share` of the keys).

    A stage lasts until `lasts` requests have been answered in it.
    """

    kind: Literal["shadow", "canary"]
    lasts: Requests
    share: float = 0.0

    def __str__(self) -> str:
        return f"shadow({self.lasts})" if self.kind == "shadow" else f"{self.share:.0%} for {self.lasts}"


@dataclass(frozen=True)
class RolloutSpec:
    """The stages in order, the rule that aborts at any look, and how much worse is tolerated at promotion.

    `margin`: non-inferiority margin on the mean log loss (classification) or squared error (regression) of
    matured rows, new minus champion, paired.
    """

    stages: tuple[StageSpec, ...]
    abort: Rule | None = None
    margin: float = 0.01


@dataclass(frozen=True)
class Rollout:
    """A takeover under way or ended. `evidence` is what the last decision was made on."""

    id: str
    model: str
    champion: int
    challenger: int
    state: RolloutState
    stage: int
    started: Micros
    stage_started: Micros
    ended: Micros | None = None
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


def shadow(lasts: Requests) -> StageSpec:
    """The challenger is scored on live requests and compared; nobody gets its answers."""
    return StageSpec("shadow", lasts)


def percent(share: float, lasts: Requests) -> StageSpec:
    """The challenger answers `share` percent of keys, chosen by hash, for so many requests.

    Raises ValueError when `share` is not above 0 and at most 100.
    """
    if not 0 < share <= 100:
        raise ValueError(f"percent({share}, …): a share lies above 0 and at most 100")
    return StageSpec("canary", lasts, share / 100)


class RolloutRunning(Conflict):
    """A model can have only one rollout at a time."""

    code = "N6201"
