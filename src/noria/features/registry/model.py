"""What the feature registry speaks of: views, their versions, and what was seen of their features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from noria.core.clock import Micros
from noria.features.registry.meaning import Definition


@dataclass(frozen=True)
class ViewVersion:
    """One definition of a view. `digest` is that of its meaning; `current` is the one the project declares now."""

    view: str
    number: int
    digest: str
    definition: Definition
    created: Micros
    actor: str
    current: bool

    @property
    def entities(self) -> tuple[str, ...]:
        """The columns that together name an entity."""
        return entities_of(self.definition)

    @property
    def source(self) -> str:
        """The source whose rows the features are computed from."""
        return str(self.definition["source"])

    @property
    def features(self) -> list[Mapping[str, Any]]:
        """The features as defined, in declared order."""
        return list(self.definition["features"])


@dataclass(frozen=True)
class Recorded:
    """What recording a view came to. `outcome`: registered, versioned, returned (to an older one), unchanged."""

    view: str
    number: int
    outcome: str


@dataclass(frozen=True)
class FeatureFigures:
    """What one feature held in the frames of one model's turn.

    `nulls` is a share. `least`, `greatest` and `mean` are of numbers, `top` (value to share) of texts.
    """

    name: str
    nulls: float
    least: float | None = None
    greatest: float | None = None
    mean: float | None = None
    top: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ViewFigures:
    """What a version of a view held when a model's turn read it, at the turn's moment `at`.

    `rows` requests were looked up. `snapshot` is the source's; its newest event happened at `newest_event` and
    its newest row became known at `newest_known`.
    """

    view: str
    number: int
    model: str
    at: Micros
    rows: int
    snapshot: str
    newest_event: Micros | None
    newest_known: Micros | None
    features: tuple[FeatureFigures, ...] = ()


def entities_of(defined: Mapping[str, Any]) -> tuple[str, ...]:
    """The entity's columns of a definition."""
    return tuple(defined["entities"])


def subject(view: str) -> str:
    """What the journal calls a view.

    >>> subject("Airport")
    'view:Airport'
    """
    return f"view:{view}"
