"""What it takes to run views on an engine: rows that lie there, lookups, and the engine itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import pyarrow as pa

from noria.core.errors import BadInput, NoriaError, Unavailable
from noria.features.dialects.base import Dialect
from noria.features.model import FeatureSpec, ViewSpec

TimeKind = Literal["micros", "nanos", "instant", "local"]
"""How a column writes moments: int64 micro- or nanoseconds since 1970, a moment with a zone, or one without (UTC)."""


@dataclass(frozen=True)
class Rows:
    """Rows on an engine: `sql` is a table's name as the engine quotes it, or a query in brackets.

    `columns` are its columns in order; `times` says of the columns that hold moments how they do, `names` what the
    engine calls those that it could not tell apart from others (`heat` and `Heat`).
    """

    sql: str
    columns: tuple[str, ...]
    times: Mapping[str, TimeKind] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def column(self, dialect: Dialect, name: str) -> str:
        """A column as the engine writes it; of moments, their microseconds."""
        there = dialect.quoted(self.names.get(name, name))
        return dialect.micros(there, self.times[name]) if name in self.times else there


@dataclass(frozen=True)
class Lookup:
    """A view, looked up by columns of the request, one for each column of its entity."""

    view: ViewSpec
    keys: tuple[str, ...]


Step = tuple[str, str]
"""Name and body of a `WITH` clause."""


@dataclass(frozen=True)
class Statement:
    """A SELECT (`last`) that reads from named `steps`, each of which may read from those before it.

    `columns` are what its columns are called in Noria (an engine may know them by shorter names); the last ones
    are `features`. `shared` are steps that are read more than once and cost much: an engine that would compute
    them each time may keep them.
    """

    last: str
    steps: tuple[Step, ...] = ()
    columns: tuple[str, ...] = ()
    features: Mapping[str, FeatureSpec] = field(default_factory=dict)
    shared: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """All of it as one statement."""
        return _with(self.steps, self.last)

    def only(self, name: str) -> str:
        """A statement for one step alone."""
        names = [step for step, _ in self.steps]
        return _with(self.steps[: names.index(name)], self.steps[names.index(name)][1])

    def replacing(self, name: str, body: str) -> Statement:
        """The same with another body of a step."""
        return replace(self, steps=tuple((step, body if step == name else was) for step, was in self.steps))


def _with(steps: Sequence[Step], last: str) -> str:
    common = ",\n".join(f"{name} AS (\n  {body}\n)" for name, body in steps)
    return f"WITH {common}\n{last}" if steps else last


class Engine(Protocol):
    """A database or cluster that answers SQL.

    Whatever it is given to hold (`put`) is temporary and gone with `close`.
    """

    dialect: Dialect

    def look(self, rows: str) -> Rows:
        """A table's name or a query, with its columns. Raises EngineRefused when there is no such thing."""
        ...

    def put(self, table: pa.Table) -> Rows:
        """Rows from here, where the engine can join them."""
        ...

    def read(self, statement: Statement) -> Iterator[pa.RecordBatch]:
        """The rows of a statement, batch after batch; at least one batch, perhaps empty."""
        ...

    def save(self, statement: Statement, table: str) -> None:
        """Make a table (`name` or `schema.name`) of a statement's rows, there. An existing one is an error."""
        ...

    def close(self) -> None:
        """Drop what was put, and let go."""
        ...


class EngineRefused(BadInput):
    """An engine does not take a statement, a table or a value; it says why in its own words."""

    code = "N3150"


class EngineMissing(NoriaError):
    """An engine cannot be used here because something is not installed."""

    code = "N3151"


class EngineAway(Unavailable):
    """An engine does not answer; nothing was written, the same call may succeed later."""

    code = "N3152"


class BadLookup(BadInput):
    """Requests and views that do not fit each other: a missing column, a wrong number of keys."""

    code = "N3153"


def needs(what: str, rows: Rows, columns: Iterable[str]) -> None:
    """Raise BadLookup when columns are missing."""
    missing = [name for name in dict.fromkeys(columns) if name not in rows.columns]
    if missing:
        raise BadLookup(
            f"{what} have no column {', '.join(map(repr, missing))}", hint=f"there are: {', '.join(rows.columns)}"
        )


def relation(rows: str) -> str:
    """A query in brackets, or a table's name as it is.

    >>> relation("select 1 as a"), relation("sales.orders")
    ('(select 1 as a)', 'sales.orders')
    """
    first = rows.split(maxsplit=1)[:1]
    return f"({rows})" if first and first[0].lower() in ("select", "with", "values", "from") else rows


def qualified(dialect: Dialect, table: str) -> str:
    """A table's name with its schema, if it has one, as the engine quotes it.

    >>> qualified(Dialect(), "marts.training set")
    '"marts"."training set"'
    """
    return ".".join(dialect.quoted(part) for part in table.split("."))
