"""Pages of a search by keyset: the next page starts after the last row of this one, however deep it is.

A search is one or more `Segment`s, one after the other; each is ordered by columns that are never null, so that
an index can answer it and "after this row" is a plain condition. The token of a page carries the last row's values
and a digest of the question, and is refused for any other question.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from noria.core.digest import canonical, digest_bytes
from noria.core.errors import BadInput

Key = TypeVar("Key")

_LONGEST = 1 << 20
_HALVES = re.compile("[\ud800-\udfff]")


class BadToken(BadInput):
    """A page token that this search did not give."""

    code = "N1012"

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="ask for the first page, with no token")


@dataclass(frozen=True)
class Found(Generic[Key]):
    """A page of what was found, and the token of the next one, if there is more."""

    keys: Sequence[Key]
    next_token: str | None = None


@dataclass(frozen=True)
class Sort:
    """A column to order by; it must not be null."""

    column: sa.ColumnElement[Any]
    ascending: bool = True

    @property
    def ordering(self) -> sa.ColumnElement[Any]:
        return self.column.asc() if self.ascending else self.column.desc()


@dataclass(frozen=True)
class Segment:
    """A part of the result. `parts` are selects of the key columns whose rows are merged by `sorts`.

    Each part holds the rows of one group (an experiment, say) that an index keeps in order; merging takes no more
    than a page from each.
    """

    parts: Sequence[sa.Select[Any]]
    sorts: Sequence[Sort]


def page(connection: sa.Connection, segments: Sequence[Segment], question: object, limit: int,
         token: str | None) -> Found[tuple[Any, ...]]:  # fmt: skip
    """At most `limit` rows of the segments after the token: the key columns of each. Raises BadToken."""
    if limit < 1:
        raise BadInput(f"a page of {limit} rows cannot be given", hint="ask for at least one")
    digest = digest_bytes(canonical(question).encode())[:24]
    first, after = _decoded(token, digest, segments) if token else (0, None)
    rows: list[tuple[int, sa.Row[Any]]] = []
    for number in range(first, len(segments)):
        wanted = limit + 1 - len(rows)
        query = _select(segments[number], after if number == first else None, wanted)
        rows += [(number, row) for row in connection.execute(query)]
        if len(rows) > limit:
            break
    keys = [tuple(row[: len(row) - len(segments[number].sorts)]) for number, row in rows[:limit]]
    if len(rows) <= limit:
        return Found(keys)
    number, last = rows[limit - 1]
    return Found(keys, _encoded(digest, number, last[len(last) - len(segments[number].sorts) :]))


def _select(segment: Segment, after: Sequence[Any] | None, limit: int) -> sa.Select[Any]:
    queries = []
    for part in segment.parts:
        names = [sort.column.label(f"sort_{number}") for number, sort in enumerate(segment.sorts)]
        query = part.add_columns(*names).order_by(*(sort.ordering for sort in segment.sorts)).limit(limit)
        queries.append(query if after is None else query.where(_later(segment.sorts, after)))
    if len(queries) == 1:
        return queries[0]
    merged = sa.union_all(*(query.subquery().select() for query in queries)).subquery()
    ordering = [Sort(merged.c[f"sort_{n}"], sort.ascending).ordering for n, sort in enumerate(segment.sorts)]
    return sa.select(merged).order_by(*ordering).limit(limit)


def _later(sorts: Sequence[Sort], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """The rows after one: later by the first column, or equal there and later by the rest.

    That the first column is not earlier is said once more by itself, which is what an index can begin from.
    """
    sort, value = sorts[0], values[0]
    beyond: sa.ColumnElement[bool] = sort.column > value if sort.ascending else sort.column < value
    if len(sorts) == 1:
        return beyond
    not_before = sort.column >= value if sort.ascending else sort.column <= value
    return sa.and_(not_before, sa.or_(beyond, sa.and_(sort.column == value, _later(sorts[1:], values[1:]))))


def _encoded(digest: str, segment: int, values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([digest, segment, *values]).encode()).decode()


def _decoded(token: str, digest: str, segments: Sequence[Segment]) -> tuple[int, list[Any]]:
    try:
        if len(token) > _LONGEST:
            raise ValueError
        said, segment, *values = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        raise BadToken("this is no page token") from None
    if said != digest:
        raise BadToken("this page token belongs to another search")
    known = type(segment) is int and 0 <= segment < len(segments)
    sorts = segments[segment].sorts if known else ()
    if not known or len(values) != len(sorts) or not all(map(_fits, values, (sort.column for sort in sorts))):
        raise BadToken("this is no page token")
    return segment, values


def _fits(value: object, column: sa.ColumnElement[Any]) -> bool:
    """Whether a value from a token could have come from this column."""
    wanted = column.type.python_type
    if type(value) is int:
        return wanted in (int, float) and -(2**63) <= value < 2**63
    if type(value) is float:
        return wanted is float and math.isfinite(value)
    return type(value) is str and wanted is str and "\0" not in value and not _HALVES.search(value)


def nullable(column: sa.ColumnElement[Any], zero: object, *, ascending: bool) -> list[Sort]:
    """A column that may be null, as two that may not: nulls come last in both directions."""
    return [
        Sort(sa.case((column.is_(None), 1), else_=0)),
        Sort(sa.func.coalesce(column, zero), ascending),
    ]
