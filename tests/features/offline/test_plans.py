"""Three plans, one meaning: each answers as the oracle does, whatever is defined and whatever comes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.schema import Column
from noria.features.model import FeatureSpec, Knowledge, Predicate, ViewSpec
from noria.features.offline.costs import Plan
from noria.testing.feature_answers import differences, expected, offline
from noria.testing.feature_worlds import DAY, HOUR, MINUTE, Row, World, world

PLANS: tuple[Plan, ...] = ("range", "window", "tiles")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False), st.sampled_from(["as_known", "as_of_event"]))
def test_every_plan_answers_as_the_oracle(random: Random, knowledge: Knowledge) -> None:
    made = world(random, most_rows=25, most_questions=8)
    wanted = expected(made, knowledge)
    wrong = [(plan, one) for plan in PLANS for one in differences(wanted, offline(made, plan, knowledge))]
    assert wrong == []


EVENT = (
    Column("id", "string", nullable=True), Column("place", "string"), Column("slot", "int"), Column("at", "time"),
    Column("heat", "float", nullable=True), Column("back", "int", nullable=True),
)  # fmt: skip
EVERY = (
    FeatureSpec("rows", "count", window=HOUR, dtype="int"),
    FeatureSpec("exact", "count", window=HOUR, hop=1, dtype="int"),
    FeatureSpec("before", "count", window=HOUR, offset=30 * MINUTE, hop=1, dtype="int"),
    FeatureSpec("ever", "count", lifetime=True, dtype="int"),
    FeatureSpec("ever_hot", "sum", "heat", lifetime=True, where=(Predicate("heat", ">", 0.0),)),
    FeatureSpec("total", "sum", "heat", window=DAY),
    FeatureSpec("spread", "std", "heat", window=DAY),
    FeatureSpec("half", "quantile", "heat", window=DAY, quantile=0.5),
    FeatureSpec("several", "distinct", "id", window=DAY, dtype="int"),
    FeatureSpec("newest", "last_n", "heat", window=DAY, n=2),
    FeatureSpec("heat", "latest", "heat", ttl=HOUR),
)
VIEW = ViewSpec("View", "Event", ("place",), "at", EVERY, EVENT, key="id", retraction="back")


def event(at: int, heat: float | None = 1.0, *, name: str | None = None, late: int = 0, place: str = "a") -> Row:
    return {"id": name, "place": place, "slot": 1, "at": at, "heat": heat, "back": None, "ingested_at": at + late}


def asked(rows: list[Row], *moments: int, view: ViewSpec = VIEW) -> World:
    return World(view, {"Event": rows}, [(("a",), at) for at in moments])


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest) -> Plan:
    found: Plan = request.param
    return found


def test_a_window_ends_before_the_moment_and_a_newest_value_at_it(plan: Plan) -> None:
    (now, then) = offline(asked([event(DAY, 3.0)], DAY, DAY + 1), plan)
    assert (now["rows"], now["heat"], now["newest"]) == (0, 3.0, [])
    assert (then["rows"], then["heat"], then["newest"]) == (1, 3.0, [3.0])


def test_an_event_counts_from_when_it_was_known_until_it_was_taken_back(plan: Plan) -> None:
    late = event(0, 5.0, name="x", late=10 * MINUTE)
    back = {**late, "back": -1, "heat": None, "ingested_at": 20 * MINUTE}
    copy = {**late, "heat": 9.0, "ingested_at": 15 * MINUTE}
    moments = (5 * MINUTE, 10 * MINUTE, 19 * MINUTE, 20 * MINUTE)
    answers = offline(asked([back, copy, late], *moments), plan)
    assert [one["total"] for one in answers] == [None, 5.0, 5.0, None], "the first known copy counts, once"
    assert [one["heat"] for one in answers] == [None, 5.0, 5.0, None]
    assert [one["ever"] for one in offline(asked([back, copy, late], *moments), plan, "as_of_event")] == [0, 0, 0, 0]


def test_hindsight_sees_what_came_late(plan: Plan) -> None:
    rows = [event(0, 5.0, late=DAY)]
    assert offline(asked(rows, HOUR), plan)[0]["rows"] == 0
    assert offline(asked(rows, HOUR), plan, "as_of_event")[0]["rows"] == 1


def test_keys_that_look_alike_as_text_differ(plan: Plan) -> None:
    view = ViewSpec("View", "Event", ("place", "slot"), "at", EVERY[:1], EVENT)
    rows = [
        {**event(0, place="1"), "slot": 23},
        {**event(0, place="12"), "slot": 3},
        {**event(0, place="12"), "slot": 3},
    ]
    questions = [(("1", 23), 1), (("12", 3), 1), (("1", 3), 1), (("12", 23), 1), (("123", 1), 1)]
    assert [one["rows"] for one in offline(World(view, {"Event": rows}, questions), plan)] == [1, 2, 0, 0, 0]


def test_times_before_1970_and_the_edges_of_hops(plan: Plan) -> None:
    moments = [start + gap for start in (-DAY, 0, -3 * DAY) for gap in (-1, 0, 1, 5 * MINUTE, HOUR, HOUR + 1)]
    rows = [event(moment, float(number), late=number % 3 * MINUTE) for number, moment in enumerate(moments)]
    made = asked(rows, *moments, *(moment + HOUR for moment in moments))
    assert differences(expected(made), offline(made, plan)) == []


def test_numbers_that_are_hard_to_add(plan: Plan) -> None:
    rows = [event(number, heat) for number, heat in enumerate([1e16, 1.0, -1e16, 0.1, 1e-9, 3e8])]
    made = asked(rows, 2, 3, 4, 5, 6, HOUR)
    huge = asked([event(number, heat) for number, heat in enumerate([1e300, 1.23456789e291, -1e300])], 1, 2, 3)
    assert differences(expected(huge), offline(huge, plan)) == []
    assert differences(expected(made), offline(made, plan)) == []
    far = asked([event(number, 1e15 + number % 4) for number in range(200)], HOUR)
    assert differences(expected(far), offline(far, plan)) == []


@pytest.mark.parametrize("unfit", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_finite_number_is_no_value(plan: Plan, unfit: float) -> None:
    made = asked([event(0, unfit), event(1, 2.0)], HOUR)
    plain = asked([event(0, None), event(1, 2.0)], HOUR)
    assert differences(expected(plain), offline(made, plan)) == []


def test_a_total_that_no_double_holds_is_null(plan: Plan) -> None:
    (found,) = offline(asked([event(0, 1.7e308), event(1, 1.7e308)], HOUR), plan)
    assert (found["total"], found["spread"], found["rows"]) == (None, 0.0, 2)


def test_nobody_and_nothing(plan: Plan) -> None:
    nothing = {feature.name: feature.default for feature in EVERY}
    assert offline(asked([], 0, HOUR), plan) == [nothing, nothing]
    made = World(VIEW, {"Event": [event(0)]}, [((None,), HOUR), (("nobody",), HOUR)])
    assert offline(made, plan) == [nothing, nothing]


def test_very_long_texts(plan: Plan) -> None:
    long = "x" * 200_000
    view = ViewSpec("View", "Event", ("place",), "at", (FeatureSpec("s", "distinct", "id", window=HOUR, dtype="int"),
        FeatureSpec("l", "latest", "id", ttl=HOUR, dtype="string")), EVENT)  # fmt: skip
    rows = [event(0, name=long, place=long), event(1, name=f"{long}y", place=long)]
    made = World(view, {"Event": rows}, [((long,), 2), ((f"{long}y",), 2)])
    assert offline(made, plan) == [{"s": 2, "l": f"{long}y"}, {"s": 0, "l": None}]
