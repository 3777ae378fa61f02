"""Sums. Of whole numbers: exact, of any size. Of doubles: compensated, a pair whose parts are added at the end.

The pair is the running sum and what rounding took from it (Knuth's two-sum; Neumaier 1974), so that a small sum
of large numbers that cancel comes out right: 1e16 + 1 - 1e16 is 1, in any order and however it is cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from noria.features.aggregates.partial import Slot, Told

Pair = list[float]


class WholeSums:
    """A sum of whole numbers."""

    def __init__(self, slot: Slot) -> None:
        self._column = slot.column

    def empty(self) -> int:
        return 0

    def lift(self, told: Told) -> int:
        return told.row[self._column] or 0

    def merge(self, into: int, other: int) -> int:
        return into + other


class DoubleSums:
    """A sum of doubles, as [sum, what rounding took]."""

    def __init__(self, slot: Slot) -> None:
        self._column = slot.column

    def empty(self) -> Pair:
        return [0.0, 0.0]

    def lift(self, told: Told) -> Pair:
        return [told.row[self._column] or 0.0, 0.0]

    def merge(self, into: Pair, other: Pair) -> Pair:
        high, more = into[0], other[0]
        total = high + more
        virtual = total - high
        lost = (high - (total - virtual)) + (more - virtual)
        return [total, into[1] + other[1] + lost]


def total(pairs: Iterable[Pair]) -> float | None:
    """What pairs add up to; None when that is beyond the largest double."""
    try:
        return finite(math.fsum(part for pair in pairs for part in pair))
    except (OverflowError, ValueError):
        return None


def finite(value: float) -> float | None:
    """A double that a column can hold, or None."""
    return float(value) if math.isfinite(value) else None


def fitting(whole: int) -> int | None:
    """A whole number that 64 bits can hold, or None."""
    return whole if -(2**63) <= whole < 2**63 else None


def quotient(dividend: Any, divisor: int) -> float | None:
    """A mean or a share; None of nothing, and of what no double can hold."""
    if not divisor or dividend is None:
        return None
    return finite(dividend / divisor)
