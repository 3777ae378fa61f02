"""The smallest and the largest value; nulls are left out."""

from __future__ import annotations

from typing import Any

from noria.features.aggregates.partial import Slot, Told


class Extremes:
    """A value, or None when there was none."""

    def __init__(self, slot: Slot) -> None:
        self._column = slot.column
        self._best: Any = min if slot.kind == "min" else max

    def empty(self) -> Any:
        return None

    def lift(self, told: Told) -> Any:
        return told.row[self._column]

    def merge(self, into: Any, other: Any) -> Any:
        if into is None:
            return other
        return into if other is None else self._best(into, other)
