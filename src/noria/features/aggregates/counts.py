"""How many: rows, non-null values, rows for which a predicate is true, rows of which it can be asked."""

from __future__ import annotations

from collections.abc import Callable

from noria.features.aggregates.partial import Slot, Told
from noria.features.aggregates.predicates import judge


class Counts:
    """A whole number that is added up."""

    def __init__(self, slot: Slot) -> None:
        self._one = _one(slot)

    def empty(self) -> int:
        return 0

    def lift(self, told: Told) -> int:
        return self._one(told)

    def merge(self, into: int, other: int) -> int:
        return into + other


def _one(slot: Slot) -> Callable[[Told], int]:
    if slot.kind == "rows":
        return lambda _: 1
    if slot.kind == "true" and slot.predicate is not None:
        holds = judge(slot.predicate)
        return lambda told: 1 if holds(told.row) else 0
    column = slot.predicate.column if slot.predicate is not None else slot.column
    return lambda told: 0 if told.row[column] is None else 1
