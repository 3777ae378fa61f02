"""What a Feast registry says, as far as it can mean something here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Field:
    """A named value with Feast's type, such as `INT64` or `FLOAT_LIST`."""

    name: str
    type: str


@dataclass(frozen=True)
class Entity:
    """An entity and the column it is joined by."""

    name: str
    join_key: str
    type: str


@dataclass(frozen=True)
class DataSource:
    """Where rows lie. `kind` is Feast's, such as `BATCH_FILE`; `place` the file, table, query or topic.

    `mapping` renames columns (raw to name). `format` is empty for Parquet, otherwise what it is instead.
    """

    name: str
    kind: str
    place: str
    timestamp: str
    created: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    is_query: bool = False
    batch: DataSource | None = None


@dataclass(frozen=True)
class Aggregation:
    """A windowed aggregate of a stream feature view; times in microseconds, 0 for none."""

    column: str
    function: str
    window: int
    slide: int
    name: str


@dataclass(frozen=True)
class View:
    """A feature view. `ttl` in microseconds, 0 for none; `keys` are the join keys with their types.

    `kind` is plain, stream, or derived (its rows come from a transformation or from other views).
    """

    name: str
    entities: tuple[str, ...]
    keys: tuple[Field, ...]
    features: tuple[Field, ...]
    ttl: int
    source: DataSource | None
    stream: DataSource | None
    kind: str
    aggregations: tuple[Aggregation, ...] = ()
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    disabled: bool = False


@dataclass(frozen=True)
class Projection:
    """What a feature service takes of one view: some of its features, perhaps under another name."""

    view: str
    features: tuple[str, ...]
    alias: str = ""
    renamed_keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """A feature service: what one model asks for."""

    name: str
    projections: tuple[Projection, ...]
    description: str = ""


@dataclass(frozen=True)
class Repository:
    """Everything of one Feast project. `others` are (kind, name) of what has no counterpart here at all."""

    project: str
    entities: tuple[Entity, ...]
    views: tuple[View, ...]
    services: tuple[Service, ...]
    others: tuple[tuple[str, str], ...] = ()
