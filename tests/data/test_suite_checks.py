"""A source that names a suite: what is critical refuses its snapshot, anything else is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from noria.data import operations as data
from noria.data.model import DataRefused
from noria.data.suites.model import BadSuite
from noria.project.values import Document, source_spec


@pytest.fixture
def suite(tmp_path: Any) -> Any:
    def write(*expectations: Any) -> str:
        (tmp_path / "checks").mkdir(exist_ok=True)
        document = {"name": "readings", "expectations": [
            {"type": f"expect_{kind}", "severity": severity, "kwargs": kwargs} for kind, severity, kwargs in expectations
        ]}  # fmt: skip
        (tmp_path / "checks" / "readings.json").write_text(json.dumps(document))
        return "checks/readings.json"

    return write


def accept(ws: Any, spec: Any) -> Any:
    return data.check(ws, spec, data.take_snapshot(ws, spec))


def test_a_critical_failure_refuses(ws: Any, readings: Any, row: Any, write: Any, suite: Any) -> None:
    write("1.parquet", [row(celsius=20.0), row(celsius=45.0)])
    spec = replace(
        readings, suite=suite(("column_max_to_be_between", "critical", {"column": "celsius", "max_value": 40}))
    )
    with pytest.raises(DataRefused, match="celsius has a greatest value that is at most 40: the greatest value is 45"):
        accept(ws, spec)
    assert data.last_accepted(ws, "Reading") is None


def test_a_warning_and_what_was_not_run_are_told(ws: Any, readings: Any, row: Any, write: Any, suite: Any) -> None:
    write("1.parquet", [row(), row(retries=None)])
    at = suite(("column_values_to_not_be_null", "warning", {"column": "retries"}), ("made_up", "critical", {}))
    checked = accept(ws, replace(readings, suite=at))
    assert [(one.check, one.column, one.rows) for one in checked.problems] == [
        ("suite (warning)", "retries", 1), ("not run", "", 0),
    ]  # fmt: skip
    assert "1 of 2" in checked.problems[0].message


def test_moments_are_moments_and_only_good_rows_count(ws: Any, lenient: Any, row: Any, write: Any, suite: Any) -> None:
    write("1.parquet", [row(), row(celsius=999.0), row()])
    at = suite(
        ("column_values_to_be_between", "critical", {"column": "at", "min_value": "2024-06-01T00:00:00"}),
        ("column_values_to_be_increasing", "critical", {"column": "at"}),
        ("column_max_to_be_between", "critical", {"column": "celsius", "max_value": 60}),
        ("table_row_count_to_equal", "critical", {"value": 2}),
    )
    assert accept(ws, replace(lenient, suite=at)).rows == 2


def test_another_suite_is_another_check(ws: Any, readings: Any, row: Any, write: Any, suite: Any) -> None:
    write("1.parquet", [row()])
    spec = replace(readings, suite=suite(("column_to_exist", "critical", {"column": "celsius"})))
    assert accept(ws, spec).problems == ()
    suite(("column_to_exist", "critical", {"column": "kelvin"}))
    with pytest.raises(DataRefused, match="there is no column 'kelvin'"):
        accept(ws, spec)


def test_a_suite_that_is_not_there_stops_the_turn(ws: Any, readings: Any, row: Any, write: Any) -> None:
    write("1.parquet", [row()])
    with pytest.raises(BadSuite, match="there is no file"):
        accept(ws, replace(readings, suite="checks/none.json"))


def test_rows_of_later_are_not_seen(ws: Any, readings: Any, row: Any, write: Any, suite: Any) -> None:
    later = row()["at"] + 1_000_000
    write("1.parquet", [row(), row(ingested_at=later + 60_000_000)])
    spec = replace(readings, suite=suite(("table_row_count_to_equal", "critical", {"value": 1})))
    checked = data.check(ws, spec, data.take_snapshot(ws, spec, as_of=later + 10_000_000))
    assert checked.rows == 1


@pytest.mark.parametrize(("value", "faults"), [("checks/x.json", 0), (5, 1)])
def test_the_toml_file_names_it(value: Any, faults: int, readings: Any) -> None:
    source = type("Reading", (), {"noria_schema": readings.schema})
    document = Document("p.toml", {"source": {"Reading": {"path": "data/*", "suite": value}}})
    assert source_spec(document, source).suite == ("checks/x.json" if not faults else None)
    assert len(document.faults) == faults
