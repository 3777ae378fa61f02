from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.search.model import And, BadSearch, Comparison, Kind, Not, Or, OrderTerm, Parsed, comparisons
from noria.core.search.order import parse_model_order, parse_order
from noria.core.search.parser import parse_filter

AUC = Comparison("metric", "auc", ">=", 0.7)
LR = Comparison("param", "lr", "=", "0.1")


def test_a_filter_is_a_tree_of_comparisons() -> None:
    parsed = parse_filter("runs", "metrics.auc >= 0.7 AND params.lr = '0.1'")
    assert parsed == Parsed(And((AUC, LR)))


def test_what_mlflow_has_not_is_named() -> None:
    parsed = parse_filter("runs", "NOT (metrics.auc >= 0.7 OR params.lr = '0.1') AND status IN ('FINISHED')")
    inner, status = Not(Or((AUC, LR))), Comparison("attribute", "status", "IN", ("FINISHED",))
    assert parsed.expression == And((inner, status))
    assert parsed.extensions == {"not", "parentheses", "or", "in on a string"}


def test_and_binds_closer_than_or() -> None:
    parsed = parse_filter("runs", "metrics.auc >= 0.7 OR metrics.auc >= 0.7 AND params.lr = '0.1'")
    assert parsed.expression == Or((AUC, And((AUC, LR))))


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("created > 5", Comparison("attribute", "start_time", ">", 5)),
        ("attr.`Run Name` LIKE 'a%'", Comparison("attribute", "run_name", "LIKE", "a%")),
        ("tags.mlflow.user ilike \"Bob\"", Comparison("tag", "mlflow.user", "ILIKE", "Bob")),
        ("parameters.`val/loss` is not null", Comparison("param", "val/loss", "IS NOT NULL")),
        ("datasets.digest not in ('a', 'b')", Comparison("dataset", "digest", "NOT IN", ("a", "b"))),
        ("metrics.\"a b\" = -1e-3", Comparison("metric", "a b", "=", -0.001)),
        ("tags.note NOT LIKE '%x%'", Comparison("tag", "note", "NOT LIKE", "%x%")),
    ],
)  # fmt: skip
def test_words_and_quotes(text: str, comparison: Comparison) -> None:
    assert parse_filter("runs", text).expression == comparison


@pytest.mark.parametrize("text", [None, "", "AND", " and AND "])
def test_nothing_asked_is_everything(text: str | None) -> None:
    assert parse_filter("runs", text) == Parsed()


def test_an_error_points_at_the_place_and_says_what_is_allowed() -> None:
    with pytest.raises(BadSearch) as refusal:
        parse_filter("runs", "metrics.auc > 0.7 AND statsu = 'FINISHED'")
    assert str(refusal.value) == (
        "[N1011] the filter cannot be read at character 23: there is no attribute 'statsu'; there are: artifact_uri, "
        "end_time, run_id, run_name, start_time, status, user_id\n"
        "  metrics.auc > 0.7 AND statsu = 'FINISHED'\n"
        "                        ^\n"
        "  → did you mean 'status'?"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("metrics.a LIKE 'x'", "LIKE does not go with metrics.a; what does: !=, <, <=, =, >, >="),
        ("metrics.a = 'x'", "expected a number, found 'x'"),
        ("params.a = x", "expected a text in quotes, found x"),
        ("params.val/loss = '1'", "in backticks"),
        ("params.a = 'x", "the quote ' is never closed"),
        ("params.a = 'x' params.b IS NULL", "write AND between comparisons"),
        ("accuracy > 1", "metrics.accuracy"),
        ("(metrics.a = 1", "expected ')', found the end"),
        ("metrics.a = 1 OR", "expected a comparison, found the end"),
        ("metrics.a = 1 -- all", "a comment has no place here"),
        ("params.a = 'x\0'", "a null byte"),
        ("params.a = '\ud800'", "half a character"),
        ("run_id IN ()", "the list is empty"),
        ("run_id IN (((((((((((((((((((((('a'))))))))))))))))))))))", "a list in lists"),
        ("start_time > 9223372036854775808", "too large"),
        ("metrics.a = 1" + " OR metrics.a = 1" * 300, "more than 300 comparisons"),
        ("start_time > " + "9" * 5000, "too large"),
    ],
)
def test_wrong_texts(text: str, says: str) -> None:
    with pytest.raises(BadSearch, match="cannot be read at character") as refusal:
        parse_filter("runs", text)
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "(" * 200_000,
        "NOT " * 60_000,
        "metrics.a = 1 AND " * 10_000,
        "run_id IN " + "(" * 100_000,
        "run_id IN ('a'" + "+'a'" * 2_000 + ")",
        "`" * 99_999,
        "'" * 99_999,
        "a." * 100_000,
        "tags.a = " + '"a".' * 50_000,
        "\n" * 300_000,
    ],
    ids=lambda text: text[:12],
)
def test_huge_texts_are_refused_clearly(text: str) -> None:
    for kind in ("runs", "logged_models"):
        with pytest.raises(BadSearch) as refusal:
            parse_filter(kind, text)
        assert len(str(refusal.value)) < 1000


@settings(deadline=None, max_examples=300)
@given(
    kind=st.sampled_from(["runs", "experiments", "logged_models", "registered_models", "model_versions"]),
    text=st.text(max_size=60) | st.lists(st.sampled_from(
        ["metrics.a", "tags.`x`", "name", "=", "LIKE", "IN", "IS", "NOT", "NULL", "AND", "OR", "(", ")", "'x'", "1"]
    ), max_size=14).map(" ".join),
)  # fmt: skip
def test_any_text_is_read_or_refused(kind: Kind, text: str) -> None:
    try:
        parsed = parse_filter(kind, text)
    except BadSearch:
        return
    assert all(comparison.operator for comparison in comparisons(parsed.expression))


def test_an_order() -> None:
    assert parse_order("runs", ["metrics.`val/loss` DESC", "created"]) == (
        OrderTerm("metric", "val/loss", ascending=False),
        OrderTerm("attribute", "start_time"),
    )


@pytest.mark.parametrize(
    ("clauses", "says"),
    [
        (["metrics.a", "metrics.a desc"], "names 'a' twice"),
        (["strat_time"], "did you mean 'start_time'?"),
        (["metrics.a sideways"], "expected ASC, DESC or the end"),
        (["metrics.a\0"], "null byte"),
        (["metrics." + "a" * 300_000], "are the most"),
        (["metrics.a" + str(n) for n in range(101)], "100 are the most"),
    ],
)
def test_wrong_orders(clauses: list[str], says: str) -> None:
    with pytest.raises(BadSearch) as refusal:
        parse_order("runs", clauses)
    assert says in str(refusal.value)


def test_logged_models_are_ordered_by_objects() -> None:
    order = parse_model_order(
        [
            {"field_name": "metrics.auc", "ascending": False, "dataset_name": "val"},
            {"field_name": "creation_time"},
        ]
    )
    assert order == (
        OrderTerm("metric", "auc", ascending=False, dataset_name="val"),
        OrderTerm("attribute", "creation_timestamp_ms"),
    )
    for wrong in ({}, {"field_name": "params.a"}, {"field_name": "nmae"}, {"field_name": 3}, {"field_name": "a\0"}):
        with pytest.raises(BadSearch):
            parse_model_order([wrong])
