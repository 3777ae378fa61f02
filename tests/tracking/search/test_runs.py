from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.stores.pages import BadToken
from noria.tracking.search.runs import search_runs


def found(lab: Any, text: str = "", order: Sequence[str] = (), **asked: Any) -> str:
    """The names of the runs of experiment 1 that a search finds, as one text."""
    return lab.names(search_runs(lab.ws, asked.pop("experiments", [1]), text, order, **asked).keys)


def paged(lab: Any, text: str, order: Sequence[str], limit: int, experiments: Sequence[int] = (1,)) -> str:
    """The same, page by page."""
    names, token = "", None
    while True:
        page = search_runs(lab.ws, experiments, text, order, limit=limit, token=token)
        names, token = names + lab.names(page.keys), page.next_token
        if token is None:
            return names


class TestFilters:
    def test_not_finds_also_what_has_no_such_key(self, lab: Any) -> None:
        lab.run("a", metrics={"auc": 0.9})
        lab.run("b", metrics={"auc": 0.1})
        lab.run("c")
        assert found(lab, "metrics.auc > 0.5") == "a"
        assert found(lab, "metrics.auc != 0.9") == "b"
        assert found(lab, "NOT metrics.auc > 0.5") == "cb"
        assert found(lab, "metrics.auc IS NULL OR metrics.auc > 0.5") == "ca"
        assert found(lab, "NOT (end_time > 5 OR metrics.auc IS NOT NULL)") == "c"

    def test_nan_only_differs(self, lab: Any) -> None:
        lab.run("a", metrics={"loss": None})
        lab.run("b", metrics={"loss": 0.0})
        assert found(lab, "metrics.loss = 0") == "b"
        assert found(lab, "metrics.loss <= 0") == "b"
        assert found(lab, "metrics.loss != 7") == "ba"

    def test_like_minds_case_and_knows_two_signs(self, lab: Any) -> None:
        for name, value in {"a": "Ab*c", "b": "ab_c", "c": "ab\\c", "d": "ab[c]", "e": "abé"}.items():
            lab.run(name, params={"p": value})
        assert found(lab, "params.p LIKE 'A%'") == "a"
        assert found(lab, "params.p ILIKE 'A%'") == "edcba"
        assert found(lab, "params.p LIKE 'ab_c'") == "cb"
        assert found(lab, "params.p LIKE '%*%'") == "a"
        assert found(lab, "params.p LIKE '%\\%'") == "c"
        assert found(lab, "params.p LIKE '%[c]'") == "d"
        assert found(lab, "params.p LIKE 'ab_'") == "e"
        assert found(lab, "params.p NOT LIKE 'ab%'") == "a"
        assert found(lab, "params.p NOT IN ('ab_c', 'Ab*c')") == "edc"

    def test_a_moment_counts_as_the_millisecond_it_lies_in(self, lab: Any) -> None:
        lab.run("a", started=5_000)
        lab.run("b", started=5_999)
        lab.run("c", started=6_000)
        assert found(lab, "start_time = 5") == "ba"
        assert found(lab, "start_time != 5") == "c"
        assert found(lab, "start_time > 5") == "c"
        assert found(lab, "start_time <= 5.5") == "ba"
        assert found(lab, "start_time < 6") == "ba"
        assert found(lab, "start_time = 5.5") == ""
        assert found(lab, "start_time < 9223372036854775807") == "cba"

    def test_hostile_values_are_only_values(self, lab: Any) -> None:
        lab.run("a", params={"p": "x' OR 1=1 --"})
        assert found(lab, 'params.p = "x\' OR 1=1 --"') == "a"
        assert found(lab, "params.`'; DROP TABLE runs; --` = '1'") == ""
        many = ", ".join(f"'{n}'" for n in range(4000))
        assert found(lab, f"run_id IN ('a', {many})") == "a"
        assert found(lab, " OR ".join(["metrics.x = 1"] * 299 + ["run_id = 'a'"])) == "a"

    def test_nobody_is_found_where_nothing_is_searched(self, lab: Any) -> None:
        lab.run("a")
        assert found(lab, experiments=[]) == ""
        assert found(lab, experiments=[77]) == ""
        with pytest.raises(BadInput, match="at least one"):
            found(lab, limit=0)


class TestOrder:
    def test_nan_before_nothing_in_both_directions(self, lab: Any) -> None:
        lab.run("a", metrics={"auc": None})
        lab.run("b")
        lab.run("c", metrics={"auc": 2.0})
        lab.run("d", metrics={"auc": -1.0})
        lab.run("e", metrics={"auc": 2.0})
        lab.run("f", started=None)
        assert found(lab, "", ["metrics.auc"]) == "decabf"
        assert found(lab, "", ["metrics.auc DESC"]) == "ecdabf"
        assert found(lab, "", ["status", "metrics.auc DESC"]) == "ecdabf"
        assert found(lab) == "edcbaf"
        assert found(lab, "", ["start_time"]) == "abcdef"

    @pytest.mark.parametrize("order", [[], ["start_time"], ["metrics.auc"], ["metrics.auc DESC"], ["params.p DESC"],
                                       ["metrics.auc", "params.p"], ["metrics.none"], ["run_name DESC"]])  # fmt: skip
    @pytest.mark.parametrize("experiments", [[1], [1, 2], [*range(1, 40)]], ids=["one", "two", "many"])
    def test_pages_of_any_size_are_the_whole(self, lab: Any, order: list[str], experiments: list[int]) -> None:
        for number, name in enumerate("abcdefghijkl"):
            auc = {0: {}, 1: {"auc": None}}.get(number % 4, {"auc": float(number % 3)})
            params = {"p": str(number % 2)} if number % 3 else {}
            lab.run(name, metrics=auc, params=params, experiment=1 + number % 2, started=None if number == 5 else -1)
        whole = found(lab, "", order, experiments=experiments)
        assert sorted(whole) == sorted("acegik" if experiments == [1] else "abcdefghijkl")
        for limit in (1, 2, 5):
            assert paged(lab, "", order, limit, experiments) == whole

    def test_a_run_that_comes_meanwhile_moves_no_page(self, lab: Any) -> None:
        for name in "abcd":
            lab.run(name)
        first = search_runs(lab.ws, [1], limit=2)
        lab.run("e")
        assert lab.names(first.keys) == "dc"
        assert found(lab, limit=2, token=first.next_token) == "ba"

    def test_a_filter_on_the_metric_that_orders(self, lab: Any) -> None:
        for name, auc in {"a": 0.1, "b": 0.5, "c": None, "d": 0.9}.items():
            lab.run(name, metrics={"auc": auc})
        lab.run("e")
        assert found(lab, "metrics.auc > 0.2", ["metrics.auc DESC"]) == "db"
        assert found(lab, "metrics.auc != 0.5", ["metrics.auc DESC"]) == "dac"
        assert found(lab, "metrics.auc IS NULL", ["metrics.auc DESC"]) == "e"
        assert found(lab, "metrics.auc > 0.2 OR metrics.auc IS NULL", ["metrics.auc DESC"]) == "dbe"
        assert found(lab, "NOT metrics.auc > 0.2", ["metrics.auc DESC"]) == "ace"

    def test_deleted_runs_are_found_when_asked_for(self, lab: Any) -> None:
        lab.run("a", metrics={"auc": 1.0})
        lab.run("b", metrics={"auc": 2.0}, stage="deleted")
        for order in ([], ["metrics.auc DESC"]):
            assert found(lab, "", order) == "a"
            assert found(lab, "", order, stage="deleted") == "b"
            assert found(lab, "", order, stage="all") == "ba"


class TestTokens:
    @pytest.fixture
    def token(self, lab: Any) -> str:
        for name in "abc":
            lab.run(name, params={"p": name})
        token = search_runs(lab.ws, [1], "", ["params.p"], limit=1).next_token
        assert token is not None
        return token

    def test_a_token_of_another_search_is_refused(self, lab: Any, token: str) -> None:
        others: list[dict[str, Any]] = [
            {"text": "params.p = 'a'", "order": ["params.p"]},
            {"order": ["params.p DESC"]},
            {"order": ["params.p"], "stage": "all"},
            {"order": ["params.p"], "experiments": [1, 2]},
        ]
        for asked in others:
            with pytest.raises(BadToken, match="another search"):
                found(lab, token=token, **asked)

    @pytest.mark.parametrize(
        "change",
        [
            lambda parts: parts[:-1],
            lambda parts: [*parts, 1],
            lambda parts: [parts[0], 99, *parts[2:]],
            lambda parts: [parts[0], -1, *parts[2:]],
            lambda parts: [parts[0], True, *parts[2:]],
            lambda parts: [*parts[:-1], None],
            lambda parts: [*parts[:-1], 5],
            lambda parts: [*parts[:-1], "\0"],
            lambda parts: [*parts[:-1], "\ud800"],
            lambda parts: [*parts[:-1], ["x"]],
            lambda parts: [parts[0], parts[1], 2**70, *parts[3:]],
            lambda parts: [parts[0], parts[1], float("nan"), *parts[3:]],
            lambda parts: {},
            lambda parts: [],
        ],
    )
    def test_a_changed_token_is_refused(self, lab: Any, token: str, change: Any) -> None:
        parts = json.loads(base64.urlsafe_b64decode(token))
        forged = base64.urlsafe_b64encode(json.dumps(change(parts)).encode()).decode()
        with pytest.raises(BadToken):
            found(lab, order=["params.p"], token=forged)

    @pytest.mark.parametrize("garbage", ["x", "é", "====", "eyJvZmZzZXQiOiAxfQ==", "W" * 100, "\0", "[" * 2_000_000])
    def test_garbage_is_refused(self, lab: Any, garbage: str) -> None:
        with pytest.raises(BadToken):
            found(lab, token=garbage)

    def test_deep_garbage_is_refused(self, lab: Any) -> None:
        with pytest.raises(BadToken):
            found(lab, token=base64.urlsafe_b64encode(b"[" * 100_000).decode())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("text", "order", "index"),
    [
        ("", [], "runs_newest"),
        ("params.p = '1'", [], "runs_newest"),
        ("", ["metrics.auc DESC"], "latest_metrics_order"),
        ("metrics.auc > 0.5 AND params.p = '1'", ["metrics.auc"], "latest_metrics_order"),
    ],
)
def test_an_index_gives_the_order(lab: Any, text: str, order: list[str], index: str) -> None:
    for number in range(8):
        lab.run(f"r{number}", metrics={"auc": float(number)}, params={"p": "1"})
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    for token in (None, search_runs(lab.ws, [1], text, order, limit=2).next_token):
        sa.event.listen(lab.ws.database.engine, "before_cursor_execute", listen)
        search_runs(lab.ws, [1], text, order, limit=2, token=token)
        sa.event.remove(lab.ws.database.engine, "before_cursor_execute", listen)
    searches = [(statement, values) for statement, values in asked if "runs." in statement]
    assert len(searches) == 2
    with lab.ws.database.reading() as connection:
        for statement, values in searches:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            plan = " / ".join(row.detail for row in rows)
            assert index in plan
            assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan
