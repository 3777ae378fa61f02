"""Columns of every physical type, held against plain Python."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.clock import to_micros
from noria.data.parsing import convert

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def typed(values, kind, dtype):
    found = convert(pa.chunked_array([pa.array(values, kind)]), dtype)
    return None if found is None else (found.values.to_pylist(), found.unusable.tolist())


def same(left, right):
    return left == right or (isinstance(left, float) and isinstance(right, float) and math.isclose(left, right))


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_written_by_python_are_read_back(numbers):
    text = [None if number is None else repr(number) for number in numbers]
    values, unusable = typed(text, pa.string(), "float")
    assert not any(unusable)
    assert all(
        same(found, None if number is None else float(number)) for found, number in zip(values, numbers, strict=True)
    )


@settings(deadline=None)
@given(st.lists(st.text(max_size=8)))
def test_whatever_text_there_is_a_value_is_usable_or_null_or_marked(texts):
    for dtype, read in (("int", int), ("float", float)):
        values, unusable = typed(texts, pa.string(), dtype)
        for text, value, bad in zip(texts, values, unusable, strict=True):
            assert not (bad and value is not None)
            if value is not None:
                assert same(value, read(float(text.strip()) if dtype == "int" else text.strip()))


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9998, 12, 31))
ZONES = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(st.lists(st.tuples(MOMENTS, ZONES)), st.sampled_from("T "))
def test_iso_text_is_read_to_the_microsecond(moments, between):
    aware = [moment.replace(tzinfo=zone) for moment, zone in moments]
    text = [moment.isoformat(between) for moment in aware]
    assert typed(text, pa.string(), "time") == ([to_micros(moment) for moment in aware], [False] * len(aware))


def test_the_hour_that_comes_twice_and_the_one_that_never_comes():
    """Clocks in New York went back on 2013-11-03 at 2 and forward on 2013-03-10 at 2."""
    first, second = "2013-11-03T01:30:00-04:00", "2013-11-03T01:30:00-05:00"
    hour = 3_600_000_000
    (one, other), _ = typed([first, second], pa.string(), "time")
    assert other - one == hour
    zoned = pa.timestamp("us", tz="America/New_York")
    assert typed([one, other], zoned, "time") == ([one, other], [False, False])
    (skipped,), unusable = typed(["2013-03-10T02:30:00"], pa.string(), "time")  # without a zone it is UTC, which has it
    assert (skipped, unusable) == (to_micros(datetime(2013, 3, 10, 2, 30, tzinfo=UTC)), [False])


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-(2**63) + 1, 2**63 - 1)), st.sampled_from(["s", "ms", "us", "ns"]))
def test_timestamps_of_every_unit_are_rounded_down_or_marked_when_no_calendar_has_them(ticks, unit):
    values, unusable = typed(ticks, pa.timestamp(unit), "time")
    rate = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    for tick, value, bad in zip(ticks, values, unusable, strict=True):
        exact = None if tick is None else (tick * 10**6) // rate
        if exact is not None and to_micros(datetime(1, 1, 1)) <= exact <= to_micros(datetime(9999, 12, 31)):
            assert (value, bad) == (exact, False)
        else:
            assert (value, bad) == (None, exact is not None)


@pytest.mark.parametrize(
    ("values", "kind", "dtype", "expected", "unusable"),
    [
        ([1, None], pa.int8(), "int", [1, None], []),
        ([2**64 - 1, 5], pa.uint64(), "int", [None, 5], [0]),
        ([2**63 - 1], pa.uint64(), "int", [2**63 - 1], []),
        ([1.0, 1.5, float("nan"), 1e30, float("inf")], pa.float64(), "int", [1, None, None, None, None], [1, 3, 4]),
        ([Decimal("2.00"), Decimal("2.50")], pa.decimal128(9, 2), "int", [2, None], [1]),
        ([Decimal("2.50")], pa.decimal128(9, 2), "float", [2.5], []),
        ([1, 2], pa.int32(), "float", [1.0, 2.0], []),
        ([float("nan"), 1.0], pa.float32(), "float", [None, 1.0], []),
        ([True, None], pa.bool_(), "bool", [True, None], []),
        (["TRUE", "0", "yes", ""], pa.string(), "bool", [True, False, None, None], [2]),
        ([date(1970, 1, 2)], pa.date32(), "time", [86_400_000_000], []),
        (["1970-01-01T00:00:60", "1970-13-01", "null"], pa.string(), "time", [None, None, None], [0, 1]),
        (["a", None], pa.large_string(), "string", ["a", None], []),
        ([None, None], pa.null(), "float", [None, None], []),
        ([], pa.string(), "time", [], []),
    ],
)
def test_each_physical_type(values, kind, dtype, expected, unusable):
    assert typed(values, kind, dtype) == (expected, [place in unusable for place in range(len(values))])


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (pa.int64(), "time"), (pa.int64(), "string"), (pa.int64(), "bool"), (pa.bool_(), "float"),
        (pa.bool_(), "int"), (pa.binary(), "string"), (pa.list_(pa.int64()), "float"), (pa.timestamp("us"), "int"),
        (pa.struct([("a", pa.int64())]), "string"), (pa.time64("us"), "time"),
    ],
)  # fmt: skip
def test_a_type_that_cannot_hold_the_declared_one_is_not_guessed(kind, dtype):
    assert typed([None], kind, dtype) is None
