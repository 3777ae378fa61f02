"""Every check of rows, and which of several rows with one key stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.clock import parse_moment
from noria.data import operations as data
from noria.data.quarantine import quarantine_table

NOON = parse_moment("2024-06-10T12:00:00")
HOUR = 3_600_000_000
CALM = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def accept(ws, spec, **when):
    return data.check(ws, spec, data.take_snapshot(ws, spec, **when))


def ids(ws, checked):
    return data.read_parts(ws, checked.parts, ["reading_id"])["reading_id"].to_pylist()


@pytest.mark.parametrize(
    ("different", "check", "reason"),
    [
        ({"celsius": -90.5}, "bounds", "celsius: is below -90 degrees"),
        ({"celsius": 60.0001}, "bounds", "celsius: is above 60 degrees"),
        ({"celsius": None}, "null", "celsius: is missing"),
        ({"celsius": float("nan")}, "null", "celsius: is missing"),
        ({"celsius": float("inf")}, "infinite", "celsius: is infinite; celsius: is above 60 degrees"),
        ({"retries": -1}, "bounds", "retries: is below 0"),
        ({"station": None}, "null", "station: is missing"),
        ({"reading_id": None}, "null", "reading_id: is missing"),
        ({"at": None}, "null", "at: is missing"),
        ({"reading_id": "r1"}, "key", "reading_id: another row has this key and was known first"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(ws, lenient, row, write, different, check, reason):
    write("1.parquet", [row(), row(**different), row()])
    checked = accept(ws, lenient)
    assert ids(ws, checked) == ["r1", "r3"]
    assert (checked.problems[0].check, checked.problems[0].rows) == (check, 1)
    assert quarantine_table(ws, checked)["reason"].to_pylist() == [reason]


def test_bounds_are_inclusive_and_a_nullable_column_may_be_null(ws, readings, row, write):
    write("1.parquet", [row(celsius=-90.0), row(celsius=60.0), row(retries=None)])
    assert accept(ws, readings).rows == 3


def test_a_row_known_before_it_happened_is_future_stamped(ws, lenient, row, write):
    write("1.parquet", [row(at=NOON - HOUR, ingested_at=NOON - 2 * HOUR), row(at=NOON - HOUR, ingested_at=NOON)])
    checked = accept(ws, lenient)
    assert (ids(ws, checked), checked.problems[0].check) == (["r2"], "future")


def test_a_row_that_does_not_say_when_it_was_known_is_bad(ws, lenient, row, write):
    write("1.parquet", [row(ingested_at=NOON), row(ingested_at=None)])
    checked = accept(ws, lenient)
    assert ids(ws, checked) == ["r1"]
    assert quarantine_table(ws, checked)["reason"].to_pylist() == ["ingested_at: is missing"]


def test_an_exact_copy_of_a_row_is_told_from_another_row_with_its_key(ws, lenient, row, write):
    first = row()
    write("1.parquet", [first, first, {**first, "celsius": 1.0}])
    checked = accept(ws, lenient)
    assert ids(ws, checked) == ["r1"]
    assert [(one.check, one.rows) for one in checked.problems] == [("duplicate", 1), ("key", 1)]


def test_without_a_key_equal_rows_are_kept_and_told(ws, readings, row, write):
    keyless = replace(readings, schema=replace(readings.schema, key=None))
    first = row()
    write("1.parquet", [first, first, first, row()])
    checked = accept(ws, keyless)
    assert (checked.rows, checked.quarantined) == (4, 0)
    assert [(one.check, one.rows, one.example) for one in checked.problems] == [("duplicate", 2, "data/1.parquet")]


def test_a_bad_row_does_not_take_the_key_of_a_good_one(ws, lenient, row, write):
    write("1.parquet", [row(reading_id="k", celsius=None), row(reading_id="k")])
    checked = accept(ws, lenient)
    assert (checked.rows, checked.quarantined) == (1, 1)


EVENTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=25
)


@CALM
@given(EVENTS, st.none() | st.integers(0, 9))
def test_the_first_known_row_of_a_key_stays_at_every_moment_and_across_files(ws, lenient, write, events, moment):
    """Oracle: walk through the rows in the order in which they were known, by then; a key seen before is bad."""
    start = NOON - HOUR
    files = [[], [], []]
    for key, at, delay, place in events:
        files[place].append({"reading_id": key, "station": f"s{len(files[place])}", "at": start + at,
                             "celsius": 1.0, "retries": place, "ingested_at": start + at + delay})  # fmt: skip
    for place, rows in enumerate(files):
        write(f"{place}.parquet", rows)
    cut = start + moment if moment is not None else NOON
    every = [(one["ingested_at"], one["at"], place, one) for place, rows in enumerate(files) for one in rows]
    known = sorted((one for one in every if one[0] <= cut), key=lambda one: one[:3])
    expected = {}
    for _, _, _, one in known:
        expected.setdefault(one["reading_id"], one)
    if not known:
        return
    checked = accept(ws, lenient, as_of=None if moment is None else cut)
    found = data.read_parts(ws, checked.parts).to_pylist()
    assert sorted(found, key=lambda one: one["reading_id"]) == [expected[key] for key in sorted(expected)]
    assert checked.quarantined == len(known) - len(expected)
