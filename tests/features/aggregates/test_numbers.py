"""Numbers that are easily got wrong: cancellation, large offsets, overflow."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from functools import reduce
from random import Random

import pytest

from noria.features.aggregates.moments import Moments, variance
from noria.features.aggregates.partial import Slot, Told
from noria.features.aggregates.sums import DoubleSums, fitting, quotient, total

SUMS, MOMENTS = DoubleSums(Slot("sum", "x")), Moments(Slot("moments", "x"))


def told(value: float) -> Told:
    return Told(0, 0, None, {"x": value})


def summed(values: list[float]) -> float | None:
    return total([reduce(SUMS.merge, (SUMS.lift(told(value)) for value in values), SUMS.empty())])


def spread(values: list[float]) -> float | None:
    return variance([reduce(MOMENTS.merge, (MOMENTS.lift(told(value)) for value in values), MOMENTS.empty())])


def test_small_sums_of_large_numbers_are_right() -> None:
    assert summed([1e16, 1.0, -1e16]) == 1.0
    assert summed([0.1] * 10) == 1.0
    random = Random(1)
    values = [random.uniform(-1, 1) * 10.0 ** random.randint(-10, 10) for _ in range(10_000)]
    assert summed(values) == pytest.approx(math.fsum(values), rel=1e-15)


def test_what_no_double_holds_is_null() -> None:
    assert summed([1e308, 1e308]) is None
    assert spread([1e200, -1e200]) is None
    assert spread([1.7e308, -1.7e308, 0.0]) is None
    assert (fitting(2**63), fitting(-(2**63))) == (None, -(2**63))
    assert (quotient(1, 0), quotient(None, 3)) == (None, None)


@pytest.mark.parametrize("far", [0.0, 1e9, 1e12, 1e15])
def test_variance_far_from_zero(far: float) -> None:
    """A running mean (Welford) is off by 1e-7 at 1e9 and useless at 1e15; see the decision record."""
    random = Random(2)
    values = [far + random.gauss(0, 3) for _ in range(2_000)]
    exact = float(statistics.variance([Fraction(value) for value in values]))
    assert spread(values) == pytest.approx(exact, rel=1e-12)


def test_variance_of_equal_values_is_zero_and_of_one_is_null() -> None:
    assert spread([0.1] * 1000) == 0.0
    assert (spread([0.1]), spread([])) == (None, None)
    assert spread([1e9 + 1, 1e9 + 2, 1e9 + 3]) == 1.0
