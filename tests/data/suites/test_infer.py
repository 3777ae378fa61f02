"""A suite inferred from a table: it holds of that table, notices what is new, and leaves out what proves nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.clock import SystemClock
from noria.data.suites.documents import dump_suite, parse_suite
from noria.data.suites.infer import infer
from noria.data.suites.model import Severity, Suite, Verdict
from noria.data.suites.profile import profile
from noria.data.suites.run import Options, check
from noria.data.suites.table import Table, opened

N = 600
TRIPS = pd.DataFrame({
    "trip": [f"t{n}" for n in range(N)],
    "number": range(1000, 1000 + N),
    "city": [("oslo", "voss", "bodø")[n % 3] for n in range(N)],
    "seats": [n % 5 + 1 for n in range(N)],
    "fare": [n / 7 for n in range(N)],
    "tip": [None if n % 4 else 1.5 + n for n in range(N)],
    "at": pd.to_datetime("2024-01-01") + pd.to_timedelta(range(N), unit="h"),
    "late": [n % 9 == 0 for n in range(N)],
})  # fmt: skip


def inferred(data: Any, *labels: str) -> Suite:
    with opened(Table("trips", data=data)) as there:
        return infer(there, profile(there), "trips", labels)


def found(suite: Suite, column: str) -> dict[str, dict[str, Any]]:
    return {one.type.removeprefix("expect_column_values_"): {k: v for k, v in one.kwargs.items() if k != "column"}
            for one in suite.expectations if one.columns == (column,)}  # fmt: skip


def test_what_is_inferred() -> None:
    suite = inferred(TRIPS)
    assert found(suite, "trip") == {"to_be_of_type": {"type_": "VARCHAR"}, "to_not_be_null": {}, "to_be_unique": {}}
    assert found(suite, "number")["to_be_unique"] == {}
    assert found(suite, "city")["to_be_in_set"] == {"value_set": ["bodø", "oslo", "voss"]}
    assert found(suite, "seats")["to_be_in_set"] == {"value_set": [1, 2, 3, 4, 5]}
    assert found(suite, "fare")["to_be_between"] == {"min_value": 0.0, "max_value": 94.1286}
    assert found(suite, "tip")["to_not_be_null"] == {"mostly": 0.0}
    assert found(suite, "at")["to_be_between"] == {"min_value": "2024-01-01T00:00:00"}
    assert found(suite, "late")["to_be_in_set"] == {"value_set": [False, True]}


def test_it_notices_what_is_new() -> None:
    suite = inferred(TRIPS)
    worse = TRIPS.copy()
    worse.loc[0, "city"] = "rome"
    worse.loc[1, "fare"] = -40.0
    worse.loc[2, "trip"] = "t1"
    worse.loc[3, "at"] = None
    worse["seats"] = worse["seats"].astype(str)
    report = check(suite, Table("worse", data=worse), SystemClock())
    failed = {(one.expectation.columns[0], one.expectation.severity) for one in report.of(Verdict.FAILED)}
    assert failed == {("city", Severity.CRITICAL), ("fare", Severity.WARNING), ("trip", Severity.CRITICAL),
                      ("at", Severity.CRITICAL), ("seats", Severity.CRITICAL), ("seats", Severity.WARNING)}  # fmt: skip


def test_a_label_is_not_asked_for_at_serving() -> None:
    suite = parse_suite(dump_suite(inferred(TRIPS, "late")))
    served = Table("served", data=TRIPS.drop(columns="late"))
    assert check(suite, served, SystemClock()).verdict is Verdict.FAILED
    assert check(suite, served, SystemClock(), Options(environment="serving")).verdict is Verdict.PASSED


def test_an_empty_table_and_one_that_is_nothing_but_missing() -> None:
    for rows in (0, 5):
        data = {"a": [None] * rows, "b": pd.Series([None] * rows, dtype="float64")}
        suite = inferred(pd.DataFrame(data))
        assert {one.type for one in suite.expectations} <= {
            "expect_table_columns_to_match_set", "expect_column_values_to_be_of_type",
            "expect_table_row_count_to_be_between",
        }  # fmt: skip


cells = {
    "int": st.one_of(st.none(), st.integers(-(2**62), 2**62)),
    "float": st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
    "text": st.one_of(st.none(), st.sampled_from(["", " ", "a", "'", "å"])),
    "time": st.one_of(st.none(), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))),
    "bool": st.one_of(st.none(), st.booleans()),
}


@settings(max_examples=15, deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", cells)
def test_every_table_satisfies_what_was_inferred_from_it(kind: str, data: st.DataObject) -> None:
    import pyarrow as pa

    type_ = {"int": pa.int64(), "float": pa.float64(), "text": pa.string(), "time": pa.timestamp("us"),
             "bool": pa.bool_()}[kind]  # fmt: skip
    values = data.draw(st.lists(cells[kind], max_size=30))
    table = Table("t", data=pa.table({"c": pa.array(values * data.draw(st.sampled_from([1, 10])), type_)}))
    with opened(table) as there:
        suite = infer(there, profile(there), "t")
    report = check(parse_suite(dump_suite(suite)), table, SystemClock())
    assert [(one.expectation, one.reason) for one in report.outcomes if one.verdict is not Verdict.PASSED] == []
