"""The same expectations over the same tables, by us and by the real Great Expectations: equal, or listed with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from gx_cases import EXPECTATIONS, SQL_EXPECTATIONS, SQL_TABLES, TABLES, frame
from noria.core.clock import SystemClock
from noria.data.suites.catalogue import CATALOGUE
from noria.data.suites.documents import dump_suite, parse_suite, suite_of
from noria.data.suites.infer import infer
from noria.data.suites.model import Expectation, Outcome, Report, Verdict
from noria.data.suites.profile import profile
from noria.data.suites.results import validation_result
from noria.data.suites.run import check
from noria.data.suites.table import Table, opened

BETWEEN = "expect_column_values_to_be_between"
DIFFERENT: dict[str, tuple[Callable[[str, dict[str, Any]], bool], str]] = {
    "texts within texts": (
        lambda kind, kwargs: isinstance(kwargs.get("min_value"), str) and kwargs.get("column") == "name",
        "theirs takes numbers and moments as bounds only; here texts are compared with texts",
    ),
    "numbers within texts": (
        lambda kind, kwargs: kind == BETWEEN and isinstance(kwargs.get("min_value"), str) and kwargs["column"] == "age",
        "theirs reads the text '1' as something, finds every number outside, or passes an empty column; here a bound "
        "of another type is refused, whether there are rows or not",
    ),
    "dates without a time": (
        lambda kind, kwargs: kwargs.get("column") == "joined" and len(str(kwargs.get("min_value", ""))) == 10,
        "theirs turns '2024-01-02' into a date, which pandas does not compare with moments; here it is midnight",
    ),
    "moments as the most common": (
        lambda kind, kwargs: kind.endswith("most_common_value_to_be_in_set") and kwargs["column"] == "joined",
        "theirs looks for the text in a set of moments; here texts are read as moments where the column is one",
    ),
    "numbers as texts, without rows": (
        lambda kind, kwargs: (
            (kind == BETWEEN and kwargs["column"] == "name")
            or (kind.endswith(("strftime_format", "dateutil_parseable")) and kwargs["column"] == "id")
        ),
        "theirs notices a wrong type only when there is a value; here by the column's type",
    ),
    "wrong patterns, without rows": (
        lambda kind, kwargs: kwargs.get("regex") == "(an",
        "theirs notices that a pattern is wrong only when there is a value",
    ),
    "index 0": (
        lambda kind, kwargs: kind == "expect_column_to_exist" and kwargs.get("column_index") == 0,
        "theirs does not look at a column_index of 0",
    ),
}


@pytest.fixture(scope="module")
def answers(with_gx: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("gx")
    pandas, sqlite = {"tables": TABLES, "expectations": EXPECTATIONS}, {"tables": SQL_TABLES}
    questions = {"pandas": pandas, "sqlite": {**sqlite, "expectations": SQL_EXPECTATIONS}}
    (folder / "questions.json").write_text(json.dumps(questions))
    with_gx("judge", folder / "questions.json", folder / "answers.json")
    return json.loads((folder / "answers.json").read_text())


@pytest.fixture(scope="module")
def theirs(answers: Any) -> Any:
    return answers["pandas"]


@pytest.fixture(scope="module")
def theirs_in_sql(answers: Any) -> Any:
    return answers["sqlite"]


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    suite = suite_of({"expectations": EXPECTATIONS})
    return {name: check(suite, Table(name, data=frame(table)), SystemClock()) for name, table in TABLES.items()}


def reason_for(kind: str, kwargs: dict[str, Any]) -> str:
    return next((why for listed, why in DIFFERENT.values() if listed(kind, kwargs)), "")


@pytest.mark.parametrize("name", TABLES)
def test_the_verdict_and_the_count_are_theirs(name: str, reports: dict[str, Report], theirs: Any) -> None:
    differing = {}
    for ours, their in zip(reports[name].outcomes, theirs[name], strict=True):
        kind, kwargs = ours.expectation.type, dict(ours.expectation.kwargs)
        mine = (ours.verdict is Verdict.PASSED, ours.result.get("unexpected_count"))
        if mine != (their["success"], their["unexpected_count"]) and not reason_for(kind, kwargs):
            differing[f"{kind} {kwargs}"] = (mine, ours.reason, their)
    assert differing == {}


def test_every_listed_difference_is_one(reports: dict[str, Report], theirs: Any) -> None:
    seen = set()
    for name, report in reports.items():
        for ours, their in zip(report.outcomes, theirs[name], strict=True):
            mine = (ours.verdict is Verdict.PASSED, ours.result.get("unexpected_count"))
            if mine != (their["success"], their["unexpected_count"]):
                kwargs = dict(ours.expectation.kwargs)
                seen |= {key for key, (listed, _) in DIFFERENT.items() if listed(ours.expectation.type, kwargs)}
    assert seen == set(DIFFERENT)


def test_counts_of_missing_and_of_all_rows_are_theirs_too(reports: dict[str, Report], theirs: Any) -> None:
    compared = 0
    for ours, their in zip(reports["wild"].outcomes, theirs["wild"], strict=True):
        if their.get("element_count") is not None and "element_count" in ours.result:
            mine = (ours.result["element_count"], ours.result.get("missing_count"))
            assert mine == (their["element_count"], their["missing_count"]), ours.expectation
            compared += 1
    assert compared > 80


@pytest.mark.parametrize("name", SQL_TABLES)
def test_what_only_their_sql_engine_runs(name: str, theirs_in_sql: Any) -> None:
    others = {key: Table(key, data=frame(table)) for key, table in SQL_TABLES.items()}
    table = Table(name, data=frame(SQL_TABLES[name]), others=others)
    report = check(suite_of({"expectations": SQL_EXPECTATIONS}), table, SystemClock())
    for ours, their in zip(report.outcomes, theirs_in_sql[name], strict=True):
        mine = (ours.verdict is Verdict.PASSED, ours.result.get("unexpected_count"))
        counted = 0 if mine[1] == 0 and their["unexpected_count"] is None else their["unexpected_count"]
        assert mine == (their["success"], counted), (ours.expectation, ours.reason, their)  # a SUM of no rows is NULL


def test_how_many_of_theirs_are_run_and_compared() -> None:
    compared = {one["type"] for one in [*EXPECTATIONS, *SQL_EXPECTATIONS]}
    assert compared <= set(CATALOGUE)
    assert len(compared) >= 55
    assert len(EXPECTATIONS) * len(TABLES) >= 1000


def test_theirs_reads_our_suites_and_results(
    reports: dict[str, Report], with_gx: Callable[..., str], tmp_path: Any
) -> None:
    with opened(Table("calm", data=pa.Table.from_pandas(frame(TABLES["calm"])))) as there:
        inferred = infer(there, profile(there), "calm")
    (tmp_path / "inferred.suite.json").write_text(dump_suite(inferred))
    for name, report in reports.items():
        unknown = Outcome(Expectation("expect_what_is_not_known"), Verdict.NOT_RUN, reason="it is not known")
        suite = replace(report.suite, expectations=(*report.suite.expectations, unknown.expectation))
        report = replace(report, suite=suite, outcomes=(*report.outcomes, unknown))
        (tmp_path / f"{name}.result.json").write_text(json.dumps(validation_result(report, 0), allow_nan=False))
    said = with_gx("read", tmp_path)
    assert f"wild.result.json False {len(EXPECTATIONS) + 1}" in said
    written = (tmp_path / "inferred.theirs.json").read_text()
    again = parse_suite(written)
    assert [(one.type, one.severity) for one in again.expectations] == [
        (one.type, one.severity) for one in inferred.expectations
    ]
    assert json.loads(dump_suite(again)) == json.loads(written)
