"""What engines write differently: beside their words (`words.py`), exact sums, and lists in an order.

A statement is composed once (`engines/statement.py`) from what a `Dialect` gives; nothing here knows of views
or windows. The plain answers below are what most engines understand; each dialect's file says only where its
engine differs, and why.
"""

from __future__ import annotations

from collections.abc import Sequence

from noria.core.schema import DType
from noria.features.dialects.words import MOST, Words


class Dialect(Words):
    """How one engine writes aggregates of a group of rows."""

    def counted(self, condition: str) -> str:
        """How many rows of a group hold the condition."""
        return f"count(CASE WHEN {condition} THEN 1 END)"

    def whole_total(self, value: str) -> str:
        """The exact sum of whole numbers, in a type wider than 64 bits; null when there are none."""
        raise NotImplementedError

    def whole(self, total: str) -> str:
        """A `whole_total` as a 64-bit number, or null when it does not fit."""
        return self.when(f"{total} BETWEEN {self.least} AND {MOST}", self.cast(total, "int"))

    def doubles_to_add(self, value: str, condition: str) -> str:
        """What `added` needs of a group's doubles that hold the condition; nulls are left out."""
        return f"sum({self.when(condition, value)})"

    def added(self, doubles: str) -> str:
        """Their sum, compensated where the engine can: 1e16 + 1 - 1e16 is 1. Not finite or null beyond the largest."""
        return doubles

    def doubles_to_vary(self, value: str, condition: str) -> str:
        """What `variance` needs of a group's doubles that hold the condition; nulls are left out."""
        return f"var_samp({self.when(condition, value)})"

    def variance(self, doubles: str) -> str:
        """Their sample variance; null below two, not finite or null beyond the largest double."""
        return doubles

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        """Of a group's rows that hold the condition, the `value` (it may be null) of the first one by `order`.

        `newest`: the greatest comes first, else the least. Null is the smallest.
        """
        raise NotImplementedError

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int | None = None) -> str:
        """As `first_of`, but a list of the first `most` values, or of all; null when no row holds the condition."""
        raise NotImplementedError

    def element(self, values: str, place: str) -> str:
        """The element of a list of `listed` at a place, the first being 1."""
        return f"({values})[{place}]"

    def sorting(self, order: Sequence[str], *, newest: bool) -> str:
        """An ORDER BY list in which null is the smallest."""
        direction = "DESC NULLS LAST" if newest else "ASC NULLS FIRST"
        return ", ".join(f"{one} {direction}" for one in order)

    def list_or_empty(self, values: str, dtype: DType) -> str:
        """A list of `listed` as a list of that type; empty for null."""
        raise NotImplementedError
