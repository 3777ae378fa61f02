"""Row conditions, in each way of writing them, against pandas' own query of the same rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.data.suites.conditions import condition
from noria.data.suites.plan import NotRun, Refused
from noria.data.suites.table import Table, opened

PEOPLE = pd.DataFrame({
    "age": [20.0, None, 40.0, 61.0, 40.0],
    "sex": ["f", "m", None, "m", "f"],
    "two words": [1, 2, 3, 4, 5],
    "paid": [True, False, True, True, False],
    "at": pd.to_datetime(["2024-01-01", "2024-01-02", None, "2024-02-01", "2024-03-01"]),
})  # fmt: skip


@pytest.fixture(scope="module")
def there() -> Any:
    with opened(Table("people", data=PEOPLE)) as it:
        yield it


def kept(there: Any, given: Any, parser: str | None = None) -> list[int]:
    where = condition(given, parser, there.fields)
    return [row[0] for row in there.ask(f"SELECT __noria_row FROM __numbered WHERE {where} ORDER BY 1")]


def comparison(column: str, operator: str, parameter: Any) -> dict[str, Any]:
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": parameter}


@pytest.mark.parametrize(
    "query",
    [
        "age > 20", "age >= 20 and sex == 'f'", "age != 40", "sex != 'm'", "not (age > 20)", "sex in ['m', 'x']",
        "sex not in ['m']", "(age > 30) | (sex == 'f')", "(age > 30) & (sex == 'm')", "20 < age <= 61", "`two words` > 2",
        "age > `two words`", "sex == ['f', 'm']", "age.isnull()", "sex.notnull() and age < 50", "30 < age", "paid == True",
        "age == -1", "~(sex == 'm')", "at > '2024-01-01'",
    ],
)  # fmt: skip
def test_a_pandas_query_keeps_what_pandas_keeps(there: Any, query: str) -> None:
    assert kept(there, query, "pandas") == list(PEOPLE.query(query).index)


operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
simple = st.one_of(
    st.builds(lambda operator, value: comparison("age", operator, value), operators, st.sampled_from([20, 40, 40.5])),
    st.builds(lambda operator, value: comparison("sex", operator, value), operators, st.sampled_from(["f", "m"])),
    st.builds(lambda null: {"type": "nullity", "column": {"name": "sex"}, "is_null": null}, st.booleans()),
    st.builds(lambda values: comparison("sex", "IN", values), st.lists(st.sampled_from(["f", "x"]), max_size=2)),
    st.builds(lambda values: comparison("age", "NOT_IN", values), st.lists(st.sampled_from([20, 61]), max_size=2)),
)
conditions = st.recursive(
    simple,
    lambda inner: st.builds(
        lambda kind, parts: {"type": kind, "conditions": parts},
        st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)  # fmt: skip


def naive(given: dict[str, Any], row: Any) -> bool:
    """What a condition means for one row, spelt out."""
    if given["type"] in ("and", "or"):
        found = [naive(one, row) for one in given["conditions"]]
        return all(found) if given["type"] == "and" else any(found)
    cell = row[given["column"]["name"]]
    missing = pd.isna(cell)
    if given["type"] == "nullity":
        return missing == given["is_null"]
    operator, value = given["operator"], given["parameter"]
    if operator in ("IN", "NOT_IN"):
        return (not missing and cell in value) == (operator == "IN")
    if missing:
        return operator == "!="
    return {"==": cell == value, "!=": cell != value, "<": cell < value, "<=": cell <= value,
            ">": cell > value, ">=": cell >= value}[operator]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(given_=conditions)
def test_objects_keep_what_they_say(there: Any, given_: dict[str, Any]) -> None:
    assert kept(there, given_) == [place for place, row in PEOPLE.iterrows() if naive(given_, row)]


@pytest.mark.parametrize(
    ("older", "rows"),
    [
        ('col("age") > 20', [2, 3, 4]),
        ("col('sex') == 'm'", [1, 3]),
        ('col("two words") <= 2', [0, 1]),
        ('col("age").notNull()', [0, 2, 3, 4]),
        ('col("age").notnull()', [0, 2, 3, 4]),
        ('col("age") < 1e2', [0, 2, 3, 4]),
        ('col("at") >= date("2024-02-01")', [3, 4]),
    ],
)
def test_older_texts(there: Any, older: str, rows: list[int]) -> None:
    for parser in (None, "great_expectations", "great_expectations__experimental__"):
        assert kept(there, older, parser) == rows


def test_sql_for_those_who_say_so(there: Any) -> None:
    assert kept(there, "age BETWEEN 30 AND 50", "duckdb") == [2, 4]
    assert kept(there, None) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("given_", "parser", "error", "said"),
    [
        ("age > 20", "spark", NotRun, "Spark"),
        ("age >", "pandas", NotRun, "not understood"),
        ("age.str.len() > 2", "pandas", NotRun, "no column"),
        ("__import__('os').system('x')", "pandas", NotRun, "not understood"),
        ("(" * 5000, "pandas", NotRun, "not understood"),
        (5, None, NotRun, "neither a text nor an object"),
        ({"type": "between"}, None, Refused, "named by a text"),
        ({"type": "and", "conditions": []}, None, NotRun, "of nothing"),
        ({"type": "nullity", "column": {"name": "aeg"}}, None, Refused, "did you mean 'age'"),
        (comparison("age", "LIKE", 1), None, NotRun, "not known"),
        (comparison("age", ">", "old"), None, Refused, "cannot be compared"),
        (comparison("age", "IN", "old"), None, Refused, "no list"),
    ],
)
def test_what_is_not_understood_says_so(
    there: Any, given_: Any, parser: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        condition(given_, parser, there.fields)


def test_conditions_too_deep(there: Any) -> None:
    deep: dict[str, Any] = comparison("age", ">", 1)
    for _ in range(200):
        deep = {"type": "and", "conditions": [deep]}
    with pytest.raises(NotRun, match="deep"):
        condition(deep, None, there.fields)
