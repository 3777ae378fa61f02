"""What changed between two definitions, said in sentences."""

import json
from dataclasses import replace
from random import Random

from declared import airport, departure, others, view
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.digest import canonical
from noria.core.schema import Column
from noria.core.units import hours, minutes
from noria.features.model import FeatureSpec, LatestJoin, Predicate, ViewSpec
from noria.features.registry.changes import changes
from noria.features.registry.meaning import definition, meaning
from noria.project.views import count, mean


def told(before: object, after: object) -> list[str]:
    return changes(definition(before), definition(after))  # type: ignore[arg-type]


def test_the_same_is_no_change() -> None:
    assert told(airport(), airport(departure(more=True))) == []


def test_every_feature_is_told_apart() -> None:
    source = departure()

    assert told(airport(source), airport(source, **others(source))) == [
        "flights is called departures now; it means the same.",
        "share_late: predicate was delay > 15 and is delay > 20.",
        "last_delay: the time to live grew from 6h to 12h.",
        "worst is new: the greatest delay over 3h.",
    ]
    assert told(airport(source, **others(source)), airport(source))[-1] == (
        "worst is gone; it was the greatest delay over 3h."
    )


def test_a_window_and_a_kind_that_change() -> None:
    source = departure()
    before = airport(source, busy=count(over=hours(3)), typical=mean(source.delay, over=hours(2)))
    after = airport(source, busy=mean(source.delay, over=hours(3)), typical=mean(source.delay, over=minutes(30)))

    assert told(before, after) == [
        "busy: it was a count and is a mean; column was not said and is delay; dtype was int and is float.",
        "typical: the window shrank from 2h to 30min.",
    ]


def test_what_the_columns_mean_is_part_of_it() -> None:
    assert told(airport(), airport(departure(unit="seconds"))) == [
        "Column delay: unit was minutes and is seconds.",
    ]


def test_another_entity_or_source() -> None:
    source = departure(more=True)
    other = view("Airport", source, "gate", {"flights": count(over=hours(1))})
    before = airport(source, flights=count(over=hours(1)))

    assert told(before, other)[0] == "The entity was origin and is gate: every value is of somebody else."
    assert told(before, replace(before, source="Arrival")) == ["The view's source was Departure and is Arrival."]


COLUMNS = st.sampled_from(["delay", "distance"])
PREDICATES = st.builds(Predicate, COLUMNS, st.sampled_from(["<", ">"]), st.sampled_from([1, 1.0, 2.5]))
FEATURES = st.builds(
    FeatureSpec,
    name=st.sampled_from(["a", "b", "c"]),
    kind=st.sampled_from(["count", "sum", "latest", "quantile", "last_n"]),
    column=st.none() | COLUMNS,
    window=st.none() | st.sampled_from([hours(1).micros, hours(24).micros]),
    ttl=st.none() | st.just(hours(1).micros),
    hop=st.none() | st.sampled_from([1, minutes(5).micros]),
    offset=st.sampled_from([0, 60]),
    where=st.lists(PREDICATES, max_size=2).map(tuple),
    n=st.none() | st.just(3),
    quantile=st.none() | st.sampled_from([0.5, 1.0]),
    lifetime=st.booleans(),
)
JOINS = st.builds(
    LatestJoin,
    source=st.sampled_from(["Plane", "Crew"]),
    on=st.just((("tail", "tail"),)),
    event_time=st.just("at"),
    columns=st.just((Column("tail", "string"), Column("at", "time"), Column("seats", "int"))),
    ttl=st.none() | st.just(5),
)
OTHERS = (Column("distance", "float"), Column("x", "int"))
VIEWS = st.builds(
    ViewSpec,
    name=st.just("V"),
    source=st.sampled_from(["S", "T"]),
    entities=st.sampled_from([("delay",), ("delay", "distance")]),
    event_time=st.just("at"),
    features=st.lists(FEATURES, min_size=1, max_size=3, unique_by=lambda one: one.name).map(tuple),
    columns=st.sets(st.sampled_from(["int", "float"]), min_size=1).map(
        lambda kinds: (
            Column("at", "time"),
            Column("delay", min(kinds)),
            Column("distance", "float"),
            Column("x", "int"),
        )
    ),
    joins=st.lists(JOINS, max_size=2, unique_by=lambda one: one.source).map(tuple),
    key=st.none() | st.just("x"),
)


@given(VIEWS, VIEWS, st.randoms())
@settings(max_examples=400, deadline=None)
def test_there_is_a_sentence_exactly_when_the_meaning_differs(one: ViewSpec, other: ViewSpec, random: Random) -> None:
    differ = meaning(definition(one)) != meaning(definition(other))
    assert bool(told(one, other)) == differ

    respelt = replace(one, features=tuple(random.sample(one.features, len(one.features))), joins=one.joins[::-1])
    assert told(one, respelt) == [] and meaning(definition(one)) == meaning(definition(respelt))
    stored = json.loads(canonical(definition(one)))
    assert meaning(stored) == meaning(definition(one)), "what is kept as JSON means the same"


def test_hop_where_and_compound_entities_are_told() -> None:
    source = departure(more=True)
    base = airport(source, busy=count(over=hours(1)))
    (busy,) = base.features
    asked = replace(busy, where=(Predicate("delay", ">", 15), Predicate("delay", "<", 60)), hop=1, offset=60_000_000)

    assert told(base, replace(base, features=(asked,), entities=("origin", "gate"))) == [
        "The entity was origin and is origin, gate: every value is of somebody else.",
        "busy: hop was not said and is 1us; offset was 0us and is 1min; "
        "where was nothing and is delay < 60 and delay > 15.",
    ]
    assert told(base, replace(base, features=(replace(busy, hop=300_000_000),))) == [], "the hop it would have anyway"
    joined = LatestJoin("Plane", (("origin", "base"),), "at", (Column("base", "string"), Column("seats", "int")))
    assert told(base, replace(base, joins=(joined,))) == ["The newest Plane is joined now, by origin = base."]
