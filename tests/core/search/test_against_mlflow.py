"""Our reading of filters and orders beside MLflow's own, on the same random texts: same refusals, same comparisons."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from questions import KINDS, a_filter, an_order, leave_out, swallowed

from noria.core.search.grammars import GRAMMARS
from noria.core.search.model import BadSearch, Kind, comparisons
from noria.core.search.order import parse_order
from noria.core.search.parser import parse_filter
from noria.testing.rivals import python

COUNT = 3000


class MlflowParser:
    """MLflow's parsers in a process of their own."""

    def __init__(self) -> None:
        script = Path(__file__).parent / "mlflow_parser.py"
        self._process = subprocess.Popen(
            [python("mlflow"), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout.readline() == "ready\n"

    def ask(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers, in order."""
        answers = []
        for question in questions:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answers.append(json.loads(self._process.stdout.readline()))
        return answers

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def mlflow() -> Iterator[MlflowParser]:
    parser = MlflowParser()
    yield parser
    parser.close()


def ours(question: dict[str, Any]) -> dict[str, Any]:
    """What we make of a question, in the words of MLflow's answer; what only we read counts as refused."""
    kind: Kind = question["kind"]
    try:
        parsed = parse_filter(kind, question["filter"])
        order = parse_order(kind, question["order_by"])
    except BadSearch as refusal:
        return {"ok": False, "why": str(refusal)}
    if parsed.extensions:
        return {"ok": False, "why": f"MLflow has no {', '.join(parsed.extensions)}"}
    read = [[c.entity, c.key, c.operator, c.value] for c in comparisons(parsed.expression)]
    return {"ok": True, "filter": read, "order": [[t.entity, t.key, t.ascending] for t in order]}


def named(kind: Kind, answer: dict[str, Any]) -> dict[str, Any]:
    """MLflow's answer with the attributes' aliases resolved and numbers as numbers, for its stores do so later."""
    if not answer["ok"]:
        return answer
    aliases = GRAMMARS[kind].aliases
    read = []
    for entity, key, operator, value in answer["filter"]:
        name = aliases.get(key, key) if entity == "attribute" else key
        read.append([entity, name, operator, _typed(kind, entity, name, value)])
    order = []
    for entity, key, ascending in answer["order"]:
        entity = "attribute" if kind == "model_versions" else entity  # its store looks at the key alone
        order.append([entity, aliases.get(key, key) if entity == "attribute" else key, ascending])
    return {"ok": True, "filter": read, "order": order}


def _typed(kind: Kind, entity: str, key: str, value: Any) -> Any:
    if entity == "metric" and value is not None:
        return float(value)
    if entity == "attribute" and key == "version_number":
        return int(value)
    if kind == "experiments" and key == "experiment_id" and isinstance(value, str) and value.strip().isdecimal():
        return str(int(value))
    return tuple(value) if isinstance(value, list) else value


def differences(mlflow: MlflowParser, questions: Sequence[dict[str, Any]]) -> list[str]:
    """Where we and MLflow differ."""
    found = []
    for question, theirs in zip(questions, mlflow.ask(questions), strict=True):
        mine, theirs = ours(question), named(question["kind"], theirs)
        if theirs["ok"] and not mine["ok"] and swallowed(key for _, key, _, _ in theirs["filter"]):
            continue
        alike = repr(mine) == repr(theirs) if mine["ok"] else not theirs["ok"]
        if not alike:
            found.append(f"{question}\n  ours   {mine}\n  MLflow {theirs}")
    return found


def random_questions(seed: int, count: int) -> list[dict[str, Any]]:
    """Filters and orders for every kind, without what we differ in on purpose."""
    random = Random(seed)
    questions: list[dict[str, Any]] = []
    while len(questions) < count:
        kind = random.choice(KINDS)
        question = {"kind": kind, "filter": a_filter(random, kind), "order_by": []}
        if random.random() < 0.3:
            question.update(filter="", order_by=an_order(random, kind))
        if not any(leave_out(text) for text in (question["filter"], *question["order_by"])):
            questions.append(question)
    return questions


def test_random_texts_are_read_as_mlflow_reads_them(mlflow: MlflowParser) -> None:
    found = differences(mlflow, random_questions(20261123, COUNT))
    assert not found, "\n".join(found[:20])


ODD = [
    ("runs", "metrics.a = 1 metrics.b = 2"),
    ("runs", "AND metrics.a = 1 AND AND metrics.b = 2 AND"),
    ("runs", "AND"),
    ("runs", "  "),
    ("runs", "metrics.1a = 1"),
    ("runs", "metrics.1 = 1"),
    ("runs", "metrics.12x = 1"),
    ("runs", "params.from = 'x'"),
    ("runs", "params.select = 'x'"),
    ("runs", "parameter.1a = 'x'"),
    ("runs", "metrics. = 1"),
    ("runs", "metrics.a = .5"),
    ("runs", "metrics.a = 1e+5"),
    ("runs", "metrics.a = inf"),
    ("logged_models", "metrics.a <= inf"),
    ("logged_models", "metrics.a = 1_000"),
    ("logged_models", "params.lr = 0.01 AND name = bare"),
    ("logged_models", "metrics.val/loss < 1"),
    ("logged_models", "tags.`a``b`.c = 'x'"),
    ("logged_models", "attributes.creation_time > 5"),
    ("runs", "start_time > 99999999999999999999"),
    ("runs", "run_id IN ('a' 'b', \"c\",)"),
    ("runs", "run_id IN ('\\x41')"),
    ("runs", "run_id = ('a')"),
    ("runs", "status IN ('a')"),
    ("runs", "params.a = 'it''s'"),
    ("runs", "params.a = 'x"),
    ("runs", "params.a = \"x\".\"y\""),
    ("runs", "tags.a IS NOT  NULL"),
    ("experiments", "name like 'a'"),
    ("experiments", "experiment_id not in ('1')"),
    ("experiments", "experiment_id in ('1')"),
    ("experiments", "experiment_id = ' 1 '"),
    ("experiments", "creation_time > 1.5"),
    ("registered_models", "`name` = 'x'"),
    ("registered_models", "tags.a IS NULL"),
    ("model_versions", "version_number = '5'"),
    ("model_versions", "version_number = 5.0"),
    ("model_versions", "source_path IN ('a')"),
    ("runs", "metrics.a = 1" + " AND metrics.a = 1" * 40),
    ("runs", "metrics.a = 1" + " AND metrics.a = 1" * 9999),
    ("runs", "(" * 200 + "metrics.a = 1" + ")" * 200),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), ODD, ids=[f"{kind}: {text[:40]}" for kind, text in ODD])
def test_odd_texts_too(mlflow: MlflowParser, kind: Kind, text: str) -> None:
    assert differences(mlflow, [{"kind": kind, "filter": text, "order_by": []}]) == []


@pytest.mark.parametrize(
    "clauses",
    [
        ["metrics.a DESC", "start_time"], [" metrics.a"], ["metrics.a "], ["metrics.`a b` desc"],
        ['"metrics.a b" desc'],
        ["metrics.a DESC NULLS LAST"], ["start_time", "created"], ["metrics.a", "metrics.`a` desc"], [""], ["desc"],
        ["metrics.a b"], ["metrics.a-b"], ["dataset.name"], ["`Run Name`"], ["metrics.`it's`"], ["metrics.'x y' asc"],
        ["metrics.f(x) desc"], ["metrics.a[0]"], ["timestamp"], ["metrics.a,metrics.b"],
    ],
)  # fmt: skip
def test_orders_too(mlflow: MlflowParser, clauses: list[str]) -> None:
    assert differences(mlflow, [{"kind": "runs", "filter": "", "order_by": clauses}]) == []
