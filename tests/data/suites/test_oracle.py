"""Random tables and random expectations against a few lines of Python that say what each means."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.clock import SystemClock
from noria.data.suites.model import Expectation, Suite, Verdict
from noria.data.suites.run import Options, check
from noria.data.suites.table import Table

NUMBERS = st.sampled_from([None, math.nan, -math.inf, -1.5, -0.0, 0.0, 1.0, 2.0, 3.5, math.inf])
WHOLE = st.sampled_from([None, -(2**63), -1, 0, 1, 2, 3, 2**40, 2**63 - 1])
TEXTS = st.sampled_from([None, "", "a", "ab", "ba", "å", "'", "a\nb"])
Row = tuple[Any, Any, Any]
rows = st.lists(st.tuples(NUMBERS, WHOLE, TEXTS), max_size=25)
COLUMNS = ("x", "n", "t")


def missing(value: Any) -> bool:
    return value is None or value != value


def column(table: list[Row], name: str) -> list[Any]:
    return [row[COLUMNS.index(name)] for row in table]


def inside(value: Any, low: Any, high: Any, strict: bool) -> bool:
    return (value > low if strict else value >= low) and value <= high


def twice(values: list[Any]) -> int:
    counts = Counter(values)
    return sum(count for count in counts.values() if count > 1)


def falls(values: list[Any], strict: bool) -> int:
    steps = pairwise(values)
    return sum(not (now > last if strict else now >= last) for last, now in steps)


BOUNDS = st.sampled_from([-2, 0, 1, 2.5])
questions = st.one_of(
    st.tuples(st.just("column_values_to_be_between"), st.sampled_from(["x", "n"]),
              st.fixed_dictionaries({"min_value": BOUNDS, "strict_min": st.booleans()})),
    st.tuples(st.just("column_values_to_be_unique"), st.sampled_from(COLUMNS), st.just({})),
    st.tuples(st.just("column_values_to_be_in_set"), st.just("n"),
              st.fixed_dictionaries({"value_set": st.lists(WHOLE, max_size=3)})),
    st.tuples(st.just("column_values_to_not_be_in_set"), st.just("t"),
              st.fixed_dictionaries({"value_set": st.lists(TEXTS, max_size=3)})),
    st.tuples(st.just("column_values_to_be_increasing"), st.sampled_from(["x", "n"]),
              st.fixed_dictionaries({"strictly": st.booleans()})),
    st.tuples(st.just("column_value_lengths_to_be_between"), st.just("t"),
              st.fixed_dictionaries({"max_value": st.integers(0, 2)})),
    st.tuples(st.just("column_values_to_not_be_null"), st.sampled_from(COLUMNS), st.just({})),
)  # fmt: skip


def unexpected(kind: str, values: list[Any], kwargs: dict[str, Any]) -> int:
    there = [value for value in values if not missing(value)]
    wanted = [value for value in kwargs.get("value_set", []) if not missing(value)]
    return {
        "column_values_to_be_between": lambda: sum(
            not inside(value, kwargs["min_value"], math.inf, kwargs["strict_min"]) for value in there),
        "column_values_to_be_unique": lambda: twice(there),
        "column_values_to_be_in_set": lambda: sum(value not in wanted for value in there),
        "column_values_to_not_be_in_set": lambda: sum(value in wanted for value in there),
        "column_values_to_be_increasing": lambda: falls(there, kwargs["strictly"]),
        "column_value_lengths_to_be_between": lambda: sum(len(value) > kwargs["max_value"] for value in there),
        "column_values_to_not_be_null": lambda: len(values) - len(there),
    }[kind]()  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(rows, st.lists(questions, min_size=1, max_size=6), st.sampled_from([1.0, 0.5]), st.booleans())
def test_counts_and_verdicts_are_what_they_mean(table: list[Row], asked: list[Any], mostly: float, where: bool) -> None:
    data = pa.table({"x": pa.array([row[0] for row in table], pa.float64()),
                     "n": pa.array([row[1] for row in table], pa.int64()),
                     "t": pa.array([row[2] for row in table], pa.string())})  # fmt: skip
    about: dict[str, Any] = {"mostly": mostly}
    if where:
        about["row_condition"] = {"type": "comparison", "column": {"name": "n"}, "operator": ">=", "parameter": 0}
        table = [row for row in table if not missing(row[1]) and row[1] >= 0]
    expectations = tuple(
        Expectation(f"expect_{kind}", {"column": name, **kwargs, **about}) for kind, name, kwargs in asked
    )
    report = check(Suite("s", expectations), Table("t", data=data), SystemClock(), Options(examples=50))
    for (kind, name, kwargs), found in zip(asked, report.outcomes, strict=True):
        values = column(table, name)
        count = unexpected(kind, values, kwargs)
        there = len(values) if kind.endswith("not_be_null") else sum(not missing(value) for value in values)
        assert found.result["unexpected_count"] == count, (kind, name, kwargs, values)
        assert (found.verdict is Verdict.PASSED) == (there == 0 or (there - count) / there >= mostly)
        assert len(found.rows) == min(count, 50)
