"""How a suite is run: one pass, three verdicts, severities, parameters, environments, and hostile tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from noria.core.clock import SystemClock
from noria.data.suites.model import Expectation, Severity, Suite, Verdict
from noria.data.suites.run import Options, check_opened
from noria.data.suites.table import Table, opened

TRIPS = {
    "id": [1, 2, 3, 4],
    "fare": [10.0, -5.0, None, 20.0],
    "city": ["oslo", "oslo", "bergen", None],
    "at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]),
}


def test_a_failure_says_how_many_and_shows_which(outcome: Any) -> None:
    found = outcome(TRIPS, "column_values_to_be_between", column="fare", min_value=0)
    assert (found.verdict, found.reason) == (Verdict.FAILED, "1 of 3 values (33.33%) are not as expected")
    assert found.result["unexpected_count"] == 1
    assert found.result["missing_count"] == 1
    assert found.result["partial_unexpected_list"] == [-5.0]
    assert found.result["partial_unexpected_index_list"] == [1]
    assert [(row["_row"], row["id"], row["city"]) for row in found.rows] == [(1, 2, "oslo")]


def test_plain_expectations_share_one_pass(expect: Any) -> None:
    plain = [expect("column_values_to_not_be_null", column="id"), expect("column_values_to_be_unique", column="city"),
             expect("column_values_to_be_between", column="id", min_value=0), expect("column_mean_to_be_between",
             column="id", min_value=0), expect("column_values_to_match_regex", column="city", regex="o"),
             expect("table_row_count_to_equal", value=3)]  # fmt: skip
    data = pa.table({"id": [1, 2, 3], "city": ["oslo", "bodø", "voss"]})
    with opened(Table("t", data=data)) as there:
        report = check_opened(Suite("s", tuple(plain)), there, "t", SystemClock(), Options())
        assert report.verdict is Verdict.PASSED
        assert there.passes == 2  # the count of rows, which a Parquet footer tells, and the one pass


def test_only_what_is_critical_fails_the_suite(checked: Any, expect: Any) -> None:
    wrong = {"column": "fare", "min_value": 0}
    assert checked(TRIPS, expect("column_values_to_be_between", "warning", **wrong)).verdict is Verdict.PASSED
    assert checked(TRIPS, expect("column_values_to_be_between", "critical", **wrong)).verdict is Verdict.FAILED


def test_what_is_not_known_is_not_run_and_never_passes_by_itself(checked: Any, expect: Any) -> None:
    report = checked(TRIPS, expect("column_values_to_be_valid_iban", column="city"))
    assert (report.verdict, report.outcomes[0].verdict) == (Verdict.NOT_RUN, Verdict.NOT_RUN)
    with_another = checked(TRIPS, expect("column_values_to_be_valid_iban"), expect("column_to_exist", column="id"))
    assert with_another.verdict is Verdict.PASSED
    assert checked(TRIPS).verdict is Verdict.PASSED


def test_parameters_fill_in_arguments(checked: Any, expect: Any) -> None:
    it = expect("column_max_to_be_between", column="id", max_value={"$PARAMETER": "top"})
    assert checked(TRIPS, it).outcomes[0].verdict is Verdict.NOT_RUN
    assert "'top' has no value" in checked(TRIPS, it).outcomes[0].reason
    assert checked(TRIPS, it, parameters={"top": 4}).verdict is Verdict.PASSED
    older = expect("column_max_to_be_between", column="id", max_value={"$PARAMETER": "top", "$PARAMETER.top": 3})
    assert checked(TRIPS, older).verdict is Verdict.FAILED


def test_a_label_may_be_absent_at_serving(checked: Any) -> None:
    meta = {"noria": {"not_in_environment": ["serving"]}}
    label = Expectation("expect_column_values_to_not_be_null", {"column": "label"}, meta=meta)
    assert checked(TRIPS, label).verdict is Verdict.FAILED
    assert checked(TRIPS, label, environment="serving").outcomes[0].verdict is Verdict.NOT_RUN


def test_a_missing_column_fails_and_names_what_there_is(outcome: Any) -> None:
    found = outcome(TRIPS, "column_values_to_be_unique", column="fair")
    assert (found.verdict, found.raised) == (Verdict.FAILED, True)
    assert found.reason == "there is no column 'fair'; the columns are id, fare, city, at; did you mean 'fare'?"


@pytest.mark.parametrize(
    "name",
    [
        'a"b',
        "a'b; DROP TABLE __table; --",
        "select",
        "{batch}",
        "å\n\t",
        "a.b",
        "__table",
        "%s",
        "\\",
        "reason",
        "_row",
    ],
)
def test_no_column_name_is_sql(checked: Any, expect: Any, name: str, tmp_path: Any) -> None:
    data = {name: [1, 2, 2, None], "text": ["x", "y", "y", "z"]}
    report = checked(
        data,
        expect("column_values_to_be_unique", column=name),
        expect("column_values_to_be_between", column=name, max_value=1),
        expect("compound_columns_to_be_unique", column_list=[name, "text"]),
        expect("column_values_to_be_increasing", column=name, strictly=True),
        expect("column_values_to_be_in_set", column="text", value_set=["x"], row_condition=f'col("{name}") > 1'),
        quarantine=tmp_path / "bad.parquet",
    )
    counts = [one.result["unexpected_count"] for one in report.outcomes[:4]]
    assert counts == [2, 2, 2, 1]
    assert report.quarantined == 2


@pytest.mark.parametrize(
    "value", ["'); DROP TABLE __table; --", "'", "''", "\\'", "{table}", "%", "\0", "\ud83d\ude00"[:0]]
)
def test_no_value_is_sql(outcome: Any, value: str) -> None:
    data = {"a": [value, "other"]}
    found = outcome(data, "column_values_to_be_in_set", column="a", value_set=[value])
    assert found.result["partial_unexpected_list"] == ["other"]
    assert (
        outcome(data, "column_values_to_not_be_in_set", column="a", value_set=[value]).result["unexpected_count"] == 1
    )
    assert outcome(data, "column_distinct_values_to_contain_set", column="a", value_set=[value]).verdict == "passed"


def test_a_suites_sql_reaches_no_file(outcome: Any, tmp_path: Any) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for query in (
        f"SELECT * FROM {{batch}}, '{secret}'",
        f"SELECT * FROM {{batch}}, read_csv('{secret}')",
        f"SELECT * FROM {{batch}}, read_text('{secret}')",
        "SELECT * FROM {batch}, duckdb_secrets()",
        "SET enable_external_access = true; SELECT * FROM {batch}",
        f"COPY (SELECT * FROM {{batch}}) TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'x.db'}'; SELECT * FROM {{batch}}",
    ):
        found = outcome(TRIPS, "unexpected_rows_expectation", unexpected_rows_query=query)
        assert found.verdict is not Verdict.PASSED or "duckdb_secrets" in query, query
        assert "1" not in str(found.result.get("details", "")) or "duckdb_secrets" in query
    assert sorted(one.name for one in tmp_path.iterdir()) == ["secret.csv"]


def test_a_catastrophic_pattern_takes_no_longer_than_another(outcome: Any) -> None:
    data = {"a": ["a" * 50_000 + "!"] * 20}
    found = outcome(data, "column_values_to_match_regex", column="a", regex="^(a+)+$")
    assert found.result["unexpected_count"] == 20


@pytest.mark.parametrize(
    ("regex", "verdict", "said"),
    [
        ("(", Verdict.FAILED, "is no regular expression"),
        ("[z-a]", Verdict.FAILED, "is no regular expression"),
        ("(a{1000}){1000}", Verdict.NOT_RUN, "backtracking"),
        ("(?<=x)y", Verdict.NOT_RUN, "backtracking"),
        (r"(a)\1", Verdict.NOT_RUN, "backtracking"),
        ("a" * 20_000, Verdict.FAILED, "characters"),
        (5, Verdict.FAILED, "must be a text"),
    ],
)
def test_a_pattern_that_cannot_be_run_says_why(outcome: Any, regex: Any, verdict: Verdict, said: str) -> None:
    found = outcome(TRIPS, "column_values_to_match_regex", column="city", regex=regex)
    assert found.verdict is verdict
    assert said in found.reason


def test_a_huge_set_of_values(outcome: Any) -> None:
    data = {"a": np.arange(1000)}
    many = list(range(500, 50_500))
    found = outcome(data, "column_values_to_be_in_set", column="a", value_set=many)
    assert found.result["unexpected_count"] == 500


@pytest.mark.parametrize(
    ("kwargs", "verdict", "said"),
    [
        ({"min_value": float("nan")}, Verdict.NOT_RUN, "NaN"),
        ({"min_value": float("-inf")}, Verdict.PASSED, ""),
        ({"max_value": float("inf")}, Verdict.PASSED, ""),
        ({"min_value": float("inf")}, Verdict.FAILED, "3 of 3"),
        ({"min_value": "ten"}, Verdict.FAILED, "cannot be compared"),
        ({"min_value": [1]}, Verdict.FAILED, "cannot be compared"),
        ({"min_value": 5, "max_value": 1}, Verdict.FAILED, "lies above"),
        ({}, Verdict.FAILED, "neither"),
        ({"min_value": -99, "mostly": 2}, Verdict.FAILED, "mostly"),
        ({"min_value": -99, "mostly": "most"}, Verdict.FAILED, "mostly"),
        ({"min_value": -(10**60)}, Verdict.PASSED, ""),
        ({"min_value": 10**400}, Verdict.FAILED, "cannot be used"),
    ],
)
def test_odd_bounds(outcome: Any, kwargs: dict[str, Any], verdict: Verdict, said: str) -> None:
    found = outcome(TRIPS, "column_values_to_be_between", column="fare", **kwargs)
    assert (found.verdict, said in found.reason) == (verdict, True), found.reason


def test_a_sum_that_overflows_fails_alone(checked: Any, expect: Any) -> None:
    data = pa.table({"big": pa.array([2**63 - 1] * 3), "x": [1.7e308, -1.7e308, 0.0]})
    report = checked(
        data,
        expect("column_sum_to_be_between", column="big", min_value=0),
        expect("column_stdev_to_be_between", column="x", max_value=1),
        expect("column_values_to_not_be_null", column="x"),
    )
    assert [one.verdict for one in report.outcomes] == ["passed", "failed", "passed"]


def test_rows_are_examined_where_a_condition_says(outcome: Any) -> None:
    found = outcome(TRIPS, "column_values_to_be_between", column="fare", min_value=0, row_condition="id > 2",
                    condition_parser="pandas")  # fmt: skip
    assert (found.verdict, found.result["element_count"]) == (Verdict.PASSED, 2)


def test_severities_are_counted(checked: Any, expect: Any) -> None:
    report = checked(TRIPS, expect("column_to_exist", "info", column="x"), expect("column_to_exist", column="y"))
    assert len(report.of(Verdict.FAILED)) == 2
    assert len(report.of(Verdict.FAILED, Severity.INFO)) == 1
