"""Views as a user writes them, what they become, and what is said when they make no sense."""

from __future__ import annotations

import types
from datetime import datetime

import pytest

import noria
from noria import aggregates as agg
from noria.core.units import Duration, days, hours, minutes
from noria.features.model import FeatureSpec, Predicate
from noria.project.views import Declared

HOUR = 3_600_000_000


class Weather(noria.Source):
    place: str
    seen_at: datetime = noria.event_time()
    wind: float | None
    storms: int


class Departure(noria.Source):
    id: int = noria.key()
    origin: str
    dest: str
    left_at: datetime = noria.event_time()
    delay: float | None
    seats: int
    cancelled: bool
    undone: bool = noria.retraction()


class Arrival(noria.Source):
    origin: str
    landed_at: datetime = noria.event_time()
    delay: float


class Route(
    noria.FeatureView[Departure], entity=("origin", "dest"), joins=[agg.latest_of(Weather, on={"origin": "place"})]
):
    departures = noria.count(over=[hours(1), agg.lifetime()])
    spread = agg.std(Departure.delay, over=days(7), where=Departure.cancelled == False)  # noqa: E712
    typical = agg.quantile(Departure.delay, 0.5, over=hours(24), hop="exact", offset=hours(1))
    last_delays = agg.last_n(Departure.delay, 3, over=days(1))
    sizes = agg.distinct(Departure.seats, over=days(30), hop=minutes(30))
    in_wind = noria.mean(Departure.delay, over=days(7), where=[Weather.wind > 20, Departure.delay > 0])
    wind = noria.latest(Weather.wind, ttl=hours(6), where=Departure.dest != "LAX")


def test_a_view_is_what_was_written() -> None:
    spec = Route.noria_view.spec()
    assert Route.noria_view.check() == []
    assert (spec.entities, spec.key, spec.retraction) == (("origin", "dest"), "id", "undone")
    assert [(join.source, join.on, join.ttl) for join in spec.joins] == [("Weather", (("origin", "place"),), None)]
    found = {feature.name: feature for feature in spec.features}
    assert list(found) == [
        "departures_1h", "departures_lifetime", "spread", "typical", "last_delays", "sizes", "in_wind", "wind"
    ]  # fmt: skip
    assert found["departures_lifetime"] == FeatureSpec("departures_lifetime", "count", lifetime=True, dtype="int")
    assert found["spread"].where == (Predicate("cancelled", "==", 0.0),)
    typical = found["typical"]
    assert (typical.quantile, typical.hop, typical.offset, typical.window) == (0.5, 1, HOUR, 24 * HOUR)
    assert (found["last_delays"].n, found["sizes"].hop, found["sizes"].dtype) == (3, HOUR // 2, "int")
    assert found["in_wind"].where == (Predicate("Weather.wind", ">", 20.0), Predicate("delay", ">", 0.0))
    assert (found["wind"].column, found["wind"].where) == ("Weather.wind", (Predicate("dest", "!=", "LAX"),))


def view(*, entity: object = "origin", joins: object = (), **features: object) -> Declared:
    said = {"entity": entity, "joins": joins}
    made = types.new_class("View", (noria.FeatureView[Departure],), said, lambda namespace: namespace.update(features))
    declared: Declared = made.noria_view
    return declared


@pytest.mark.parametrize(
    ("declared", "place", "message", "hint"),
    [
        (view(n=noria.count(over=hours(1)), entity="orign"), "View", "entity='orign' is no column", "origin"),
        (view(n=noria.count(over=hours(1)), entity=()), "View", "does not say its entity", "entity="),
        (view(n=noria.count(over=hours(1)), entity=("dest", "dest")), "View", "names a column twice", ""),
        (view(), "View", "has no features", "count(over=hours(1))"),
        (view(n=noria.count(over=[])), "View.n", "needs a length of time", "lifetime()"),
        (view(n=noria.count(over=Duration(-1))), "View.n", "needs a length of time", "over=hours(1)"),
        (view(n=noria.count(over=hours(1), hop=hours(0))), "View.n", "hop=0us must be", '"exact"'),
        (view(n=noria.count(over=hours(1), offset=Duration(-5))), "View.n", "offset=-5us must be", "days(1)"),
        (view(n=noria.count(over=hours(1), where=True)), "View.n", "where=True is no comparison", "Departure.column"),
        (
            view(n=noria.count(Departure.delay > 3, over=hours(1))),
            "View.n",
            "takes a column",
            "where=Departure.delay > 3",
        ),
        (view(n=noria.sum(Departure.origin, over=hours(1))), "View.n", "takes a number", ""),
        (view(n=agg.var(None, over=hours(1))), "View.n", "var() takes a column", "Departure.column"),
        (view(n=agg.distinct(Departure.delay, over=hours(1))), "View.n", "cannot count doubles", "whole number"),
        (view(n=agg.quantile(Departure.delay, 95, over=hours(1))), "View.n", "q=95 is no share", "0.95"),
        (view(n=agg.quantile(Departure.delay, -1, over=hours(1))), "View.n", "q=-1 is no share", "median"),
        (view(n=agg.last_n(Departure.delay, 0, over=hours(1))), "View.n", "cannot keep 0 values", "1 to 1000"),
        (view(n=noria.mean(Weather.wind, over=hours(1))), "View.n", "is of Weather", "latest_of(Weather"),
        (view(n=noria.count(over=hours(1), where=Arrival.delay > 1)), "View.n", "Arrival.delay > 1.0 is of", "join it"),
        (view(n=noria.share(Departure.origin > 3, over=hours(1))), "View.n", "the column is string", "with a text"),
        (view(n=noria.share(Departure.delay == "late", over=hours(1))), "View.n", "the column is float", "a number"),
        (view(n=noria.latest(Departure.delay, ttl=hours(0))), "View.n", "above zero", "ttl="),
        (view(n_1h=noria.count(over=hours(1)), n=noria.count(over=[hours(1)])), "View.n_1h", "two features", "rename"),
    ],
    ids=lambda one: one if isinstance(one, str) and one.startswith("View") else None,
)
def test_a_fault_names_the_place_and_what_to_write(declared: Declared, place: str, message: str, hint: str) -> None:
    (fault,) = declared.check()
    assert (fault.place, message in fault.message, hint in fault.hint) == (place, True, True), fault


@pytest.mark.parametrize(
    ("join", "message"),
    [
        (agg.latest_of(Weather, on="origin"), "on='origin' is no column of Weather"),
        (agg.latest_of(Weather, on={"orign": "place"}), "on='orign' is no column of Departure"),
        (agg.latest_of(Weather, on={"delay": "place"}), "Departure.delay is float, but Weather.place is string"),
        (agg.latest_of(Departure, on="origin"), "joins the view's own source"),
        (agg.latest_of(Weather, on=()), "does not say on which columns"),
        (agg.latest_of(Weather, on={"origin": "place"}, ttl=hours(0)), "must be above zero"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_joins_that_cannot_be(join: object, message: str) -> None:
    (fault,) = view(n=noria.count(over=hours(1)), joins=[join]).check()
    assert message in fault.message


def test_a_source_that_takes_rows_back_says_which() -> None:
    class Keyless(noria.Source):
        at: datetime = noria.event_time()
        back: bool = noria.retraction()

    class Texted(noria.Source):
        id: int = noria.key()
        at: datetime = noria.event_time()
        back: str = noria.retraction()

    assert [fault.message for fault in Keyless.noria_faults] == [
        "takes events back, but does not say how they are named"
    ]
    assert [fault.message for fault in Texted.noria_faults] == [
        "a retraction must be a bool, or an int that is below zero"
    ]
    assert Departure.noria_schema.retraction == "undone"


def test_truth_values_are_compared_with_truth_values_only() -> None:
    with pytest.raises(TypeError, match="compared with a number or a text"):
        _ = Departure.delay == True  # noqa: E712
    with pytest.raises(TypeError, match="where="):
        bool(Departure.delay > 1)
