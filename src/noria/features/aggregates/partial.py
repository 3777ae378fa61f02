"""What every aggregate is made of: a partial result that is empty, takes in a row, and merges with another.

A partial is a number, None, a list or a dictionary: what MessagePack and JSON can hold. Merging is commutative
and associative, so a window's value does not depend on how it was cut into pieces, nor on the order of the
rows; of doubles that are summed, up to the last bits (see `sums`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from noria.core.schema import DType
from noria.features.model import Predicate

Kind = Literal[
    "rows",
    "values",
    "sum",
    "true",
    "judged",
    "min",
    "max",
    "moments",
    "first",
    "last",
    "newest",
    "registers",
    "buckets",
]


class Told(NamedTuple):
    """A row as a partial takes it in: when it happened, when it was known (never before), its key, its columns."""

    at: int
    known: int
    key: Any
    row: Any


@dataclass(frozen=True)
class Slot:
    """One partial that a view keeps: how many rows, how many non-null values, their sum, and so on.

    Features that need the same slot share it. `dtype` is the type of `column`; `n` how many are kept (`newest`).
    """

    kind: Kind
    column: str | None = None
    dtype: DType = "float"
    predicate: Predicate | None = None
    where: tuple[Predicate, ...] = ()
    n: int = 1


class Partial(Protocol):
    """How one kind of partial works."""

    def empty(self) -> Any:
        """The partial of no row."""

    def lift(self, told: Told) -> Any:
        """The partial of one row (for which `where` holds)."""

    def merge(self, into: Any, other: Any) -> Any:
        """The partial of both; neither of the two is changed (the same one may lie in several tiles)."""
