"""The two sketches: how far they may be off, and the published definition, written out once more by the oracle."""

from __future__ import annotations

import math
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.features.aggregates.distinct import estimate, register
from noria.features.aggregates.quantiles import bucket, middle, quantile
from noria.testing import oracle


@pytest.mark.parametrize("many", [0, 1, 10, 100, 1_000, 10_000, 12_000, 100_000])
def test_distinct_values_are_counted_within_three_standard_errors(many: int) -> None:
    registers: dict[int, int] = {}
    for number in range(many):
        place, rank = register(f"user {number}")
        registers[place] = max(rank, registers.get(place, 0))
    assert estimate([registers]) == pytest.approx(many, rel=0.05, abs=0.5 if many <= 100 else 1)


def test_the_hash_is_fixed() -> None:
    """These values stand in stored states and in the SQL of engines: they change with the version, or never."""
    assert [register(value) for value in ("", "é", "noria", 0, -1, True, 1_700_000_000_000_000)] == [
        register(value) for value in ("", "é", "noria", "0", "-1", "true", "1700000000000000")
    ]
    assert (register("noria"), register("a")) == ((1427, 1), (204, 4))
    assert oracle.distinct(["a", "b", "a", "é", ""]) == 4


@given(st.lists(st.text(max_size=3) | st.integers(-100, 100), max_size=300))
def test_estimates_are_the_oracles(values: list[object]) -> None:
    same_kind = [value for value in values if isinstance(value, str)]
    assert estimate([dict([register(value)]) for value in same_kind]) == oracle.distinct(same_kind)


DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


@given(DOUBLES)
def test_a_bucket_holds_its_value_within_a_128th(value: float) -> None:
    found = middle(bucket(value))
    if abs(value) >= sys.float_info.min:
        assert abs(found - value) <= abs(value) / 128 * (1 + 1e-12)
    else:
        assert found == 0


@given(DOUBLES, DOUBLES)
def test_buckets_rise_with_their_values(one: float, other: float) -> None:
    assert (bucket(one) <= bucket(other)) or one > other


@given(st.integers(-1021, 1023), st.integers(0, 63))
def test_a_bound_begins_a_bucket(exponent: int, step: int) -> None:
    bound = math.ldexp(1 + step / 64, exponent)
    assert bucket(bound) == 64 * (exponent + 1023) + step + 1
    assert bucket(math.nextafter(bound, 0)) == bucket(bound) - 1
    assert bucket(-bound) == -bucket(bound)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.sampled_from([0.0, 0.1, 0.5, 0.99, 1.0]))
def test_quantiles_are_the_oracles_however_they_are_cut(values: list[float], q: float) -> None:
    shuffled = Random(len(values)).sample(values, len(values))
    assert quantile([{bucket(value): 1} for value in shuffled], q) == oracle.quantile(values, q)
