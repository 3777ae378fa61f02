"""Variance, from sums of differences to a value of the set itself (its pivot).

A partial is [n, pivot, sum of d, sum of d squared] with d = x - pivot; two are merged by moving one to the
other's pivot, as Chan, Golub and LeVeque (1983) merge means. Because the pivot is one of the values, it is
never further from the mean than sqrt(n) standard deviations: the error is bounded by n units in the last place,
however far the values lie from zero. A running mean (Welford 1962) has no such bound: at 1e15 it rounds the
mean itself (docs/decisions/0012-sketches-and-moments.md measures both).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from noria.features.aggregates.partial import Slot, Told
from noria.features.aggregates.sums import finite


class Moments:
    """[n, pivot, sum of differences, sum of their squares], or None."""

    def __init__(self, slot: Slot) -> None:
        self._column = slot.column

    def empty(self) -> Any:
        return None

    def lift(self, told: Told) -> Any:
        value = told.row[self._column]
        return None if value is None else [1, float(value), 0.0, 0.0]

    def merge(self, into: Any, other: Any) -> Any:
        if other is None:
            return into
        if into is None:
            return other
        count, pivot, first, second = other
        moved = pivot - into[1]
        moved_first, moved_second = first + count * moved, second + 2 * moved * first + count * moved * moved
        return [into[0] + count, into[1], into[2] + moved_first, into[3] + moved_second]


def variance(partials: Iterable[Any]) -> float | None:
    """The sample variance of partials together; None below two values, and when a double cannot hold it."""
    merged = None
    merge = Moments(Slot("moments")).merge
    for partial in partials:
        merged = merge(merged, partial)
    if merged is None or merged[0] < 2:
        return None
    count, _, first, second = merged
    spread = finite(second - first * first / count)
    return None if spread is None else max(0.0, spread) / (count - 1)
