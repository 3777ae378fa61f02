"""A Noria project that is yet to be written: sources, views, groups of views, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DraftColumn:
    """A column of a source: its name in the module, the name in the data, and its annotation."""

    name: str
    raw: str
    annotation: str


@dataclass
class DraftSource:
    """A source class. `created` is the column of the data that becomes `ingested_at`; empty for none.

    `place` is where Feast has the rows; `local` whether files of this machine can be read there. `raw_names` are
    what the data calls columns that Feast renames, `columns` those that some view reads, by Feast's name.
    """

    name: str
    event_time: DraftColumn
    created: str
    place: str
    local: bool
    is_query: bool
    about: str
    raw_names: Mapping[str, str] = field(default_factory=dict)
    columns: dict[str, DraftColumn] = field(default_factory=dict)


@dataclass(frozen=True)
class DraftFeature:
    """A feature: its name, and the expression that declares it."""

    name: str
    expression: str


@dataclass(frozen=True)
class DraftView:
    """A view class."""

    name: str
    source: str
    entities: tuple[str, ...]
    features: tuple[DraftFeature, ...]
    about: str


@dataclass(frozen=True)
class DraftGroup:
    """What a feature service asked for: the views of one model."""

    name: str
    views: tuple[str, ...]
    about: str


@dataclass(frozen=True)
class Note:
    """Something that is not as it was in Feast, or was left out, and what to do about it."""

    what: str
    why: str


@dataclass
class Draft:
    """The whole."""

    name: str
    sources: list[DraftSource] = field(default_factory=list)
    views: list[DraftView] = field(default_factory=list)
    groups: list[DraftGroup] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def note(self, what: str, why: str) -> None:
        """Add to what the user is told."""
        self.notes.append(Note(what, why))
