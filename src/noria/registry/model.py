"""What the registry speaks of: versions of a model, their lineage, and the aliases that point at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict

Stage = Literal["candidate", "refused", "rollout", "production", "retired", "rolled back"]
MAY_BECOME: dict[Stage, frozenset[Stage]] = {
    "candidate": frozenset({"rollout", "production", "rolled back", "retired"}),
    "refused": frozenset({"production"}),
    "rollout": frozenset({"candidate", "production", "rolled back"}),
    "production": frozenset({"retired", "rolled back"}),
    "retired": frozenset({"rollout", "production"}),
    "rolled back": frozenset({"rollout", "production", "retired", "candidate"}),
}
"""Which stages can follow which. A refused version goes into production by force only, and never into a rollout."""
PRODUCTION = "production"
"""The alias that serving follows unless told otherwise."""


@dataclass(frozen=True)
class Lineage:
    """Everything that made a version: enough to rebuild it, and to say which data it came from.

    `snapshots` maps a source to its snapshot digest; `training_rows` and `features` are digests of the very
    rows; `code` and `environment` are as the training folder records them.
    """

    run: str
    snapshots: dict[str, str]
    code: dict[str, Any]
    values: dict[str, Any]
    environment: dict[str, Any]
    split: dict[str, Any]
    features: str
    seed: int
    parent: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Version:
    """One registered version of a model; immutable but for its stage.

    `package` is the digest of the JSON blob that holds the package's description; `model_digest` of the
    graph itself; `profile` of the reference profile that monitors compare with. `evaluation` and `gates` are
    the JSON forms of the validation folder's values.
    """

    model: str
    number: int
    created: Micros
    stage: Stage
    package: str
    model_digest: str
    profile: str | None
    metrics: dict[str, float]
    evaluation: dict[str, Any]
    gates: dict[str, Any]
    lineage: Lineage
    notes: tuple[str, ...] = field(default=())


class NotPromotable(BadInput):
    """A version whose gates did not pass cannot become production without being forced."""

    code = "N5001"


class WrongStage(Conflict):
    """A version cannot go from the stage that it is in to the one asked for."""

    code = "N5002"
