"""A label is what was known of a request's answer, and nothing that came later."""

from __future__ import annotations

import random
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import BadInput
from noria.features.model import Predicate
from noria.training.labels import attach_labels
from noria.training.model import LabelSpec

LATE = LabelSpec("late", "Arrival", "Flight", "flight", 100, Predicate("delay", ">", 15))
DELAY = replace(LATE, predicate=None, column="delay")


def requests(*keys: str | None, at: int = 0) -> pa.Table:
    return pa.table({"flight": pa.array(keys, pa.string()), "asked_at": pa.array([at] * len(keys), pa.int64())})


def answers(*rows: tuple[str | None, float | None, int]) -> pa.Table:
    keys, delays, known = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table({
        "flight": pa.array(keys, pa.string()), "delay": pa.array(delays, pa.float64()),
        "ingested_at": pa.array(known, pa.int64()),
    })  # fmt: skip


def told(table: pa.Table) -> list[tuple[str, float, int]]:
    return [(row["flight"], row["label"], row["labelled_at"]) for row in table.to_pylist()]


def test_answers_become_labels_in_the_order_of_the_requests() -> None:
    found = attach_labels(requests("b", "a", "c"), LATE, answers(("a", 20, 50), ("b", 15, 60)), as_of=100)
    assert told(found) == [("b", 0.0, 60), ("a", 1.0, 50)]
    assert found.schema.field("label").type == pa.float64()


def test_a_regression_takes_the_value_itself() -> None:
    assert told(attach_labels(requests("a"), DELAY, answers(("a", -3.5, 5)), as_of=9)) == [("a", -3.5, 5)]


def test_an_answer_that_is_not_known_yet_is_no_label() -> None:
    assert told(attach_labels(requests("a", "b"), LATE, answers(("a", 20, 100), ("b", 20, 101)), as_of=100)) == [
        ("a", 1.0, 100)
    ]


def test_an_answer_that_came_too_late_is_no_label() -> None:
    table = requests("a", "b", at=10)
    came = answers(("a", 20, 110), ("b", 20, 111))
    assert told(attach_labels(table, LATE, came, as_of=500, asked_at="asked_at")) == [("a", 1.0, 110)]


def test_the_first_answer_counts() -> None:
    came = answers(("a", 20, 60), ("a", 3, 50), ("a", None, 40), ("a", 9, 90))
    assert told(attach_labels(requests("a"), LATE, came, as_of=100)) == [("a", 0.0, 50)]


def test_what_is_no_number_is_no_answer_and_null_keys_match_nothing() -> None:
    came = answers(("a", float("nan"), 5), ("b", float("inf"), 5), ("c", None, 5), (None, 1, 5))
    assert told(attach_labels(requests("a", "b", "c", None), DELAY, came, as_of=9)) == []
    assert told(attach_labels(requests(), DELAY, answers(), as_of=9)) == []


def test_keys_that_cannot_be_compared_are_refused() -> None:
    numbered = pa.table({"flight": pa.array([1], pa.int64()), "asked_at": [0]})
    with pytest.raises(BadInput, match="flight is int64 in Flight and string in Arrival"):
        attach_labels(numbered, LATE, answers(("x", 1, 1)), as_of=9)


ROW = st.tuples(st.sampled_from("abc"), st.none() | st.floats(0, 30), st.integers(0, 20))


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=6), st.lists(ROW, max_size=8), st.integers(0, 20), st.integers())
def test_like_a_plain_search(keys: list[str], came: list[tuple[str, float | None, int]], as_of: int, seed: int) -> None:
    usable = [row for row in came if row[1] is not None and row[2] <= as_of]
    expected = []
    for key in keys:
        mine = sorted((known, float(delay > 15)) for name, delay, known in usable if name == key and delay is not None)
        if mine:
            expected.append((key, mine[0][1], mine[0][0]))
    random.Random(seed).shuffle(came)  # the order of the answers does not matter
    assert told(attach_labels(requests(*keys), LATE, answers(*came), as_of=as_of)) == expected
