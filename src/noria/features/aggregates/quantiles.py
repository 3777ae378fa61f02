"""Quantiles from counts of buckets: every power of two is cut into 64 equal buckets, so a bucket is at most 1/64 wide.

The value given is the middle of the bucket that holds the value of rank ceil(q n), the smallest being of rank
1: within 1/128 (0.8 percent) of it. Buckets merge by adding counts, so unlike a t-digest or a KLL sketch the
value depends on nothing but the values: not on their order, not on how they were cut (which `offline = online`
needs; docs/decisions/0012-sketches-and-moments.md). Bounds are doubles that every engine has exactly; no
logarithm decides. It is a DDSketch (Masson, Rim, Lee 2019) whose buckets grow by steps.

A bucket's number rises with its values: 64 (exponent + 1023) + step + 1 above zero, its negative below, and 0
for zero and for what is smaller than any normal double.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from noria.features.aggregates.partial import Slot, Told

STEPS = 64
BIAS = 1023
SMALLEST = 2.0**-1022

Counts = dict[int, int]


class Quantiles:
    """How many values by bucket."""

    def __init__(self, slot: Slot) -> None:
        self._column = slot.column

    def empty(self) -> Counts:
        return {}

    def lift(self, told: Told) -> Counts:
        value = told.row[self._column]
        return {} if value is None else {bucket(value): 1}

    def merge(self, into: Counts, other: Counts) -> Counts:
        return {**into, **{number: into.get(number, 0) + count for number, count in other.items()}}


def bucket(value: float) -> int:
    """The number of the bucket that a value falls into.

    >>> bucket(1.0), bucket(-1.0), bucket(0), bucket(1.999)
    (65473, -65473, 0, 65536)
    """
    size = abs(float(value))
    if size < SMALLEST:
        return 0
    mantissa, exponent = math.frexp(size)  # size = mantissa * 2^exponent, mantissa in [0.5, 1)
    number = STEPS * (exponent - 1 + BIAS) + int((2 * mantissa - 1) * STEPS) + 1
    return number if value > 0 else -number


def middle(number: int) -> float:
    """The middle of a bucket.

    >>> middle(bucket(1.0))
    1.0078125
    """
    if number == 0:
        return 0.0
    exponent, step = divmod(abs(number) - 1, STEPS)
    size = math.ldexp(1 + (step + 0.5) / STEPS, exponent - BIAS)
    return size if number > 0 else -size


def quantile(partials: Iterable[Counts], q: float) -> float | None:
    """The value of rank ceil(q n), within 0.8 percent; None of nothing."""
    merged: Counts = {}
    for partial in partials:
        for number, count in partial.items():
            merged[number] = merged.get(number, 0) + count
    wanted = max(1, math.ceil(q * sum(merged.values())))
    for number in sorted(merged):
        wanted -= merged[number]
        if wanted <= 0:
            return middle(number)
    return None
