"""What the registry speaks of: registered models, their versions, lineage, and the aliases that point at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from noria.core.clock import Micros
from noria.core.digest import digest, short
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
PROMPT_TAG = "mlflow.prompt.is_prompt"
"""A registered model with this tag is a prompt: MLflow keeps prompts in the registry."""
_SUBJECT = 255


def subject(model: str) -> str:
    """What the journal's entries about a model are filed under; a name too long for it is cut and told by its digest.

    >>> subject("lateness")
    'model:lateness'
    """
    whole = f"model:{model}"
    return whole if len(whole) <= _SUBJECT else f"{whole[: _SUBJECT - 13]}#{short(digest(model))}"


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


NO_LINEAGE = Lineage("", {}, {}, {}, {}, {}, "", 0)
"""What is known of how a version was made when a client only said where it lies."""


@dataclass(frozen=True)
class Version:
    """One registered version of a model; immutable but for its stage, description, tags and aliases.

    A version that Noria packaged has `package`, the digest of the JSON blob that holds the package's description,
    `model_digest` of the graph itself, `profile` of the reference profile that monitors compare with; its
    `evaluation` and `gates` are the JSON forms of the validation folder's values. One that an MLflow client
    registered has an empty `package` and says where its files lie: `source` as the client named it, `storage`
    where that leads. `actor` is who registered it, `logged_model` the logged model it came from.
    """

    model: str
    number: int
    created: Micros
    stage: Stage
    package: str = ""
    model_digest: str = ""
    profile: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    gates: dict[str, Any] = field(default_factory=dict)
    lineage: Lineage = NO_LINEAGE
    notes: tuple[str, ...] = ()
    updated: Micros = 0
    source: str = ""
    storage: str = ""
    run: str | None = None
    run_link: str | None = None
    description: str | None = None
    actor: str = ""
    status: str = "READY"
    status_message: str | None = None
    logged_model: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class RegisteredModel:
    """A name under which versions are registered. `aliases` maps each to its version, `latest` has one of each stage.

    `latest` is ordered as MLflow does it: by the first version, by number, that each stage has.
    """

    name: str
    created: Micros
    updated: Micros
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    latest: Sequence[Version] = ()

    @property
    def is_prompt(self) -> bool:
        """Whether this is one of MLflow's prompts rather than a model."""
        return self.tags.get(PROMPT_TAG, "false").lower() == "true"


class NotPromotable(BadInput):
    """A version whose gates did not pass cannot become production without being forced."""

    code = "N5001"


class WrongStage(Conflict):
    """A version cannot go from the stage that it is in to the one asked for."""

    code = "N5002"


class InUse(Conflict):
    """A model or version that Noria serves or rolls out cannot be taken away or renamed under it."""

    code = "N5003"
