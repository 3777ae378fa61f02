"""Rules are values: printed, stored, joined, judged; "not run" is never a pass."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import BadInput
from noria.core.rules import Joined, Outcome, Quantity, Rule, Trigger, from_json, holds, to_json
from noria.core.units import days, ms

AUC = Quantity("metric", ("roc_auc",))
LATENCY = Quantity("latency", ("p95",))
quantities = st.builds(
    Quantity, st.sampled_from(["metric", "drift", "errors"]), st.tuples(st.text(max_size=5), st.integers())
)
rules = st.builds(Rule, quantities, st.sampled_from(["<", "<=", ">", ">="]), st.floats(allow_nan=False) | quantities)
conditions = st.recursive(
    rules | st.builds(Trigger, quantities), lambda one: st.builds(lambda a, b, either: a | b if either else a & b, one, one, st.booleans())  # noqa: E501
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "limit", "outcome"),
    [(0.65, 0.65, Outcome.PASSED), (0.64, 0.65, Outcome.FAILED), (None, 0.65, Outcome.NOT_RUN),
     (math.nan, 0.65, Outcome.NOT_RUN), (math.inf, 0.65, Outcome.PASSED), (0.7, None, Outcome.NOT_RUN)],
)  # fmt: skip
def test_a_rule_has_three_outcomes_and_one_of_them_is_a_pass(value, limit, outcome):
    champion = Quantity("champion", ("roc_auc",))
    verdict = (champion <= AUC).verdict({AUC: value, champion: limit}.get)
    assert verdict.outcome is outcome
    assert verdict.passed is (outcome is Outcome.PASSED)
    assert ("could not be measured" in verdict.note) is (outcome is Outcome.NOT_RUN)


def test_rules_read_as_they_were_written():
    assert str(AUC >= 0.65) == "roc_auc >= 0.65"
    assert str(ms(20) >= LATENCY) == "p95 latency <= 20ms"
    monthly = Trigger(Quantity("every", (days(30).micros,)))
    assert str((AUC < 0.6) | (monthly & (ms(50) < LATENCY))) == "roc_auc < 0.6 | (every(30d) & p95 latency > 50ms)"


@settings(deadline=None, max_examples=60)
@given(conditions)
def test_what_is_stored_is_read_back(condition):
    assert from_json(json.loads(json.dumps(to_json(condition)))) == condition


@settings(deadline=None, max_examples=60)
@given(conditions, st.sets(st.integers(0, 20)))
def test_a_condition_holds_as_logic_says_and_names_why(condition, chosen):
    firing = {leaf for number, leaf in enumerate(condition.leaves()) if number in chosen}

    def truth(one):
        if not isinstance(one, Joined):
            return one in firing
        return (any if one.op == "|" else all)(truth(part) for part in one.parts)

    because = holds(condition, firing.__contains__)
    assert bool(because) is truth(condition)
    assert firing.issuperset(because)


def test_what_is_no_condition_is_refused():
    for use in (to_json, lambda one: holds(one, bool)):
        with pytest.raises(BadInput, match="is not a condition"):
            use("auc > 1")


@pytest.mark.parametrize("limit", ["0.65", None, True, math.nan, [1]])
def test_what_is_no_number_is_no_threshold(limit):
    with pytest.raises(BadInput, match="is no threshold"):
        limit <= AUC  # noqa: B015


@pytest.mark.parametrize("other", [True, 0.6, AUC, None])
def test_a_rule_is_joined_with_rules_alone(other):
    with pytest.raises(BadInput, match="cannot be joined"):
        (AUC >= 0.6) | other


def test_a_threshold_is_shown_as_it_was_written():
    assert str(AUC >= 0.1234567) == "roc_auc >= 0.1234567"
    assert str(Quantity("errors") < 1_500_000) == "errors() < 1500000"
