"""Suites as JSON: read and written unchanged, whatever they hold; refused with a reason when they are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.data.suites.documents import FaultySuite, document_of, dump_suite, parse_suite, read_suite, suite_of
from noria.data.suites.model import BadSuite, Expectation, Severity, Suite

NEW = {
    "name": "trips",
    "id": "5f6f7c2e-3a1f-4d8e-9f1f-0a1b2c3d4e5f",
    "expectations": [
        {"type": "expect_column_values_to_be_between", "id": "a1", "severity": "warning", "notes": ["why", {"x": 1.0}],
         "kwargs": {"column": "fare", "min_value": {"$PARAMETER": "low"}, "strict_min": None}, "meta": {"team": "ride"},
         "rendered_content": None, "description": "**fare**"},
        {"type": "expect_from_a_plugin", "kwargs": {"anything": [1, 1.0, 1e300, -0.0, "\u2028", None]}, "our_key": 7},
    ],
    "suite_parameters": {"low": 0}, "meta": {"great_expectations_version": "1.24.1"}, "notes": None, "a_new_key": [],
}  # fmt: skip
OLD = {
    "data_asset_type": None,
    "expectation_suite_name": "taxi.warning",
    "ge_cloud_id": None,
    "expectations": [
        {"expectation_type": "expect_column_to_exist", "kwargs": {"column": "vendor"}, "meta": {}},
        {"kwargs": {"column": "n", "max_value": {"$PARAMETER": "top", "$PARAMETER.top": 5}},
         "expectation_type": "expect_column_max_to_be_between", "meta": {"notes": {"format": "markdown"}}},
    ],
    "evaluation_parameters": {}, "meta": {"great_expectations_version": "0.15.50"},
}  # fmt: skip


@pytest.mark.parametrize("document", [NEW, OLD], ids=["1.x", "0.x"])
def test_what_was_read_is_written_to_the_letter(document: dict) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    assert dump_suite(parse_suite(text)) == text


def test_what_is_read_is_understood() -> None:
    suite = suite_of(NEW)
    assert (suite.name, suite.parameters, suite.dialect) == ("trips", {"low": 0}, "1.x")
    assert [one.severity for one in suite.expectations] == [Severity.WARNING, Severity.CRITICAL]
    old = suite_of(OLD)
    assert (old.name, old.dialect, old.expectations[1].columns) == ("taxi.warning", "0.x", ("n",))


def test_an_old_suite_is_written_as_a_new_one_when_asked() -> None:
    written = document_of(suite_of(OLD), "1.x")
    assert written["name"] == "taxi.warning"
    assert [one["type"] for one in written["expectations"]] == [one.type for one in suite_of(OLD).expectations]
    assert suite_of(written).expectations[0].kwargs == {"column": "vendor"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), json_values, max_size=4)


@settings(max_examples=150, deadline=None)
@given(objects, st.lists(st.tuples(st.text(min_size=1), objects, objects), max_size=4))
def test_any_document_comes_back(rest: dict, found: list) -> None:
    expectations = [{**more, "type": kind, "kwargs": kwargs} for kind, kwargs, more in found]
    text = json.dumps({**rest, "expectations": expectations})
    assert json.dumps(document_of(parse_suite(text))) == json.dumps(json.loads(text))


def test_one_made_in_python_is_written_as_theirs_are() -> None:
    made = Suite("mine", (Expectation("expect_column_to_exist", {"column": "a"}, Severity.INFO),))
    assert document_of(made) == {
        "name": "mine",
        "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "a"}, "meta": {}, "severity": "info"}],
        "meta": {},
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[]", "is no suite"),
        (b"{}", "is no suite"),
        (b'{"expectations": {}}', "is no suite"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"expectations": [], "meta": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}", "more than 100 deep"),
    ],
)
def test_what_is_no_suite_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(BadSuite, match=said):
        parse_suite(content)


def test_every_faulty_expectation_is_told() -> None:
    with pytest.raises(FaultySuite) as told:
        suite_of({"expectations": [1, {"kwargs": {}}, {"type": "x", "kwargs": []}, {"type": "fine"}]})
    assert [fault.place for fault in told.value.faults] == [
        "expectations[0]",
        "expectations[1]",
        "expectations[2].kwargs",
    ]


def test_a_suite_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadSuite, match="check infer"):
        read_suite(tmp_path / "none.json")
    with pytest.raises(BadSuite, match="cannot be read"):
        read_suite(tmp_path)


def test_an_unknown_severity_counts_as_critical_and_is_kept() -> None:
    document = {"name": "x", "expectations": [{"type": "expect_y", "kwargs": {}, "severity": "blocker"}]}
    suite = suite_of(document)
    assert suite.expectations[0].severity is Severity.CRITICAL
    assert document_of(suite) == document
