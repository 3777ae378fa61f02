"""What a check asks of a table, and how it goes on with the answers: rounds of aggregates, then a judgement.

All that the checks of a suite ask in one round is one SELECT over the table. Nearly every check is judged
after the first; z-scores and outliers need the mean first, and a uniqueness that does not hold is counted
exactly only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class Refused(Exception):
    """The expectation cannot hold of this table whatever its rows: it fails, and this says why."""


class NotRun(Exception):
    """The expectation is understood by nobody here, or switched off: it is not judged, and this says why."""


@dataclass(frozen=True)
class Bad:
    """How to find the rows that are not as expected.

    `where` is an SQL condition over `relation`, which is the table with a row number `__noria_row` (counted
    from 0) or what a query makes of it. `shown` are the columns whose values are the unexpected ones.
    """

    where: str
    shown: Sequence[str] = ()
    relation: str = "SELECT * FROM __numbered"


@dataclass(frozen=True)
class Judgement:
    """Whether the expectation holds, what was counted, and which rows are bad (None: no single row is)."""

    success: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    bad: Bad | None = None
    reason: str = ""


@dataclass(frozen=True)
class Ask:
    """Aggregates wanted of the table, by name, and what to do with their values."""

    aggregates: Mapping[str, str]
    then: Then


@dataclass(frozen=True)
class Query:
    """A query of its own, for what no plain aggregate gives (order of rows, counts by value).

    The table is `__table`, and `__numbered` with the number of each row as `__noria_row`.
    """

    sql: str
    then: Callable[[list[tuple[Any, ...]]], Plan]


Plan: TypeAlias = "Judgement | Ask | Query"
Then: TypeAlias = "Callable[[Mapping[str, Any]], Plan]"
