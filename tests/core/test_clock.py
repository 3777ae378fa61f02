"""Moments are whole microseconds, before 1970 too; lengths carry their unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.core.clock import ManualClock, parse_moment, show_moment, to_datetime, to_micros
from noria.core.ids import TimeOrderedIds
from noria.core.units import days, hours, minutes, ms, seconds


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-14, 14))
def test_a_moment_goes_there_and_back(moment, offset):
    aware = moment.replace(tzinfo=timezone(timedelta(hours=offset)))
    assert to_datetime(to_micros(aware)) == aware
    assert parse_moment(aware.isoformat()) == to_micros(aware)
    assert to_micros(moment) == to_micros(moment.replace(tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "2024-02-30", "12:00"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError):
        parse_moment(text)


def test_moments_before_1970_are_moments():
    assert (parse_moment("1969-12-31T23:59:59.999999"), show_moment(-1)) == (-1, "1969-12-31 23:59:59Z")


def test_lengths_are_told_in_the_largest_whole_unit():
    shown = [str(one) for one in (days(2), hours(24), hours(1.5), seconds(1), ms(0.5), days(0))]
    assert shown == ["2d", "24h", "90min", "1s", "500us", "0us"]
    assert hours(3) > minutes(179)


def test_ids_sort_by_the_clock_they_were_made_with():
    clock = ManualClock(10**15)
    ids = TimeOrderedIds(clock)
    made = []
    for _ in range(50):
        made.append(ids.new("run"))
        clock.advance_to(clock.now() + 1000)
    assert made == sorted(made)
    assert len(set(made)) == 50


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_what_lies_beyond_the_calendar_is_no_moment(text):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        parse_moment(text)


def test_the_ends_of_the_calendar_are_moments():
    for end in (datetime.min, datetime.max):
        micros = to_micros(end)
        assert to_datetime(micros) == end.replace(tzinfo=UTC)
        with pytest.raises(ValueError, match="years 1 to 9999"):
            to_datetime(micros + (1 if end is datetime.max else -1))
