"""Pandera's schemas and models as suites, against what the real Pandera says of the same data."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd
import pytest

from noria.core.clock import SystemClock
from noria.data.suites.dialects.pandera import suite_of_schema
from noria.data.suites.model import BadSuite, Severity, Verdict
from noria.data.suites.run import check
from noria.data.suites.table import Table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors


class Trips(pa.DataFrameModel):
    """What a table of trips is."""

    trip_id: int = pa.Field(unique=True, gt=0)
    city: str = pa.Field(isin=["oslo", "voss"])
    code: str = pa.Field(str_matches=r"[A-Z]{2}-\d+$", nullable=True)
    fare: float = pa.Field(ge=0, lt=100, nullable=True)
    seats: int = pa.Field(in_range={"min_value": 1, "max_value": 6})

    class Config:
        """The whole table."""

        strict = True
        unique = ["city", "seats"]


GOOD = pd.DataFrame({
    "trip_id": [1, 2, 3], "city": ["oslo", "voss", "oslo"], "code": ["AB-1", None, "CD-22"],
    "fare": [0.0, None, 99.9], "seats": [1, 2, 6],
})  # fmt: skip

WORSE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "twice the same id": {"trip_id": [1, 1, 3]},
    "an id of 0": {"trip_id": [0, 1, 2]},
    "another city": {"city": ["oslo", "voss", "rome"]},
    "no city": {"city": ["oslo", "voss", None]},
    "a code in small letters": {"code": ["ab-1", None, "CD-22"]},
    "a code that only ends well": {"code": ["xAB-1", None, "CD-22"]},
    "a fare of 100": {"fare": [0.0, None, 100.0]},
    "no seat": {"seats": [0, 2, 6]},
    "the same twice": {"seats": [1, 2, 1]},
    "numbers as texts": {"seats": ["1", "2", "6"]},
    "one more column": {"extra": [1, 2, 3]},
}


def theirs(schema: Any, data: pd.DataFrame) -> bool:
    try:
        schema.validate(data, lazy=True)
    except SchemaErrors:
        return False
    return True


@pytest.mark.parametrize("name", WORSE)
def test_the_verdict_is_panderas(name: str) -> None:
    data = GOOD.assign(**WORSE[name])
    report = check(suite_of_schema(Trips), Table(name, data=data), SystemClock())
    assert (report.verdict is Verdict.PASSED) == theirs(Trips, data)
    assert not report.of(Verdict.NOT_RUN)


def test_a_column_that_is_gone() -> None:
    for name in GOOD.columns:
        assert not theirs(Trips, GOOD.drop(columns=name))
        report = check(suite_of_schema(Trips), Table("t", data=GOOD.drop(columns=name)), SystemClock())
        assert report.verdict is Verdict.FAILED


CHECKS: list[tuple[Any, list[Any]]] = [
    (pa.Check.equal_to(5), [5, 5, 4]),
    (pa.Check.not_equal_to(5), [5, 1]),
    (pa.Check.greater_than_or_equal_to(2), [2, 1]),
    (pa.Check.less_than_or_equal_to(2), [2, 3]),
    (pa.Check.less_than(2), [1, 2]),
    (pa.Check.in_range(1, 3, include_min=False, include_max=False), [2, 1]),
    (pa.Check.notin([1, 2]), [3, 2]),
    (pa.Check.str_contains("a.c"), ["xabcx", "ac"]),
    (pa.Check.str_startswith("a."), ["a.b", "axb"]),
    (pa.Check.str_endswith("(z)"), ["a(z)", "z"]),
    (pa.Check.str_length(1, 2), ["ab", "abc"]),
    (pa.Check.str_length(3), ["abc", "ab"]),
    (pa.Check.unique_values_eq([1, 2]), [1, 2, 3]),
]


@pytest.mark.parametrize(("rule", "values"), CHECKS, ids=lambda one: getattr(one, "name", None))
def test_every_check_of_theirs(rule: Any, values: list[Any]) -> None:
    schema = pa.DataFrameSchema({"a": pa.Column(checks=rule)})
    for data in (pd.DataFrame({"a": values}), pd.DataFrame({"a": values[:1]}), pd.DataFrame({"a": values[1:]})):
        report = check(suite_of_schema(schema), Table("t", data=data), SystemClock())
        assert (report.verdict is Verdict.PASSED) == theirs(schema, data), data


def test_what_cannot_be_translated_is_not_run_and_says_its_name() -> None:
    schema = pa.DataFrameSchema(
        {"a": pa.Column(int, pa.Check(lambda cells: cells > 0, name="is_positive")), "b_.*": pa.Column(regex=True)},
        checks=pa.Check(lambda frame: len(frame) > 0),
    )
    report = check(suite_of_schema(schema), Table("t", data=pd.DataFrame({"a": [1]})), SystemClock())
    kinds = {one.expectation.type for one in report.of(Verdict.NOT_RUN)}
    assert {"pandera_is_positive", "pandera_regex_column"} <= kinds
    assert len(kinds) == 3


def test_severity_optional_columns_and_coercion() -> None:
    schema = pa.DataFrameSchema(
        {"a": pa.Column(int, pa.Check.gt(5, raise_warning=True), coerce=True), "b": pa.Column(str, required=False)},
        ordered=True,
    )
    suite = suite_of_schema(schema, "mine")
    data = pd.DataFrame({"a": [1.0]})
    report = check(suite, Table("t", data=data), SystemClock())
    assert suite.name == "mine"
    assert [one.expectation.severity for one in report.of(Verdict.FAILED)][-1] is Severity.WARNING
    assert {one.reason for one in report.of(Verdict.NOT_RUN)} == {"the column is optional, and it is not there"}


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(BadSuite, match="no Pandera schema"):
        suite_of_schema(object())
