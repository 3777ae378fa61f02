"""First and last values by (event time, moment of knowing, key, value), nulls left out; a null key is the smallest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from noria.features.aggregates.partial import Slot, Told

Entry = list[Any]
"""[event time, moment of knowing, key, value]."""


def order(entry: Entry) -> tuple[Any, ...]:
    """What entries are compared by."""
    at, known, key, value = entry
    return (
        at,
        known,
        key is not None,
        key if key is not None else 0,
        value is not None,
        value if value is not None else 0,
    )


class Ends:
    """The entry of the first or the last value, or None."""

    def __init__(self, slot: Slot) -> None:
        self._column = slot.column
        self._last = slot.kind == "last"

    def empty(self) -> Entry | None:
        return None

    def lift(self, told: Told) -> Entry | None:
        value = told.row[self._column]
        return None if value is None else [told.at, told.known, told.key, value]

    def merge(self, into: Entry | None, other: Entry | None) -> Entry | None:
        if into is None or other is None:
            return other if into is None else into
        if into[0] != other[0]:
            return into if (into[0] > other[0]) is self._last else other
        return (max if self._last else min)(into, other, key=order)


class Newest:
    """The entries of the newest n values, newest first."""

    def __init__(self, slot: Slot) -> None:
        self._column, self._n = slot.column, slot.n

    def empty(self) -> list[Entry]:
        return []

    def lift(self, told: Told) -> list[Entry]:
        value = told.row[self._column]
        return [] if value is None else [[told.at, told.known, told.key, value]]

    def merge(self, into: list[Entry], other: list[Entry]) -> list[Entry]:
        return newest([*into, *other], self._n) if other else into


def newest(entries: Iterable[Entry], n: int) -> list[Entry]:
    """The newest n entries, newest first."""
    return sorted(entries, key=order, reverse=True)[:n]
