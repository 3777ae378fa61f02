"""The whole operation with what is new to it: hindsight, lists, several entities, sources that are joined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sensors import DAY, HOUR, MINUTE, offline, part

from noria.core.schema import Column
from noria.features.model import FeatureSpec, InputSet, LatestJoin, Predicate, ViewInput, ViewSpec
from noria.features.operations import part_inputs
from noria.testing import oracle
from noria.testing.feature_answers import same
from noria.workspace.workspace import Workspace

DEPARTURE = (
    Column("id", "int"), Column("origin", "string"), Column("dest", "string"), Column("left_at", "time"),
    Column("delay", "float", nullable=True), Column("cancelled", "bool"),
)  # fmt: skip
WEATHER = (Column("place", "string"), Column("seen_at", "time"), Column("wind", "float", nullable=True))
QUESTION = (Column("q", "int"), Column("origin", "string"), Column("dest", "string"), Column("asked_at", "time"))
ROUTE = ViewSpec(
    "Route", "Departure", ("origin", "dest"), "left_at",
    (
        FeatureSpec("delays", "last_n", "delay", window=DAY, n=3),
        FeatureSpec("in_wind", "mean", "delay", window=DAY, where=(Predicate("Weather.wind", ">", 10.0),)),
        FeatureSpec("strongest", "max", "Weather.wind", lifetime=True),
        FeatureSpec("wind", "latest", "Weather.wind", ttl=DAY),
        FeatureSpec("departures", "count", window=HOUR, dtype="int"),
    ),
    DEPARTURE, "id", "cancelled",
    (LatestJoin("Weather", (("origin", "place"),), "seen_at", WEATHER, ttl=2 * HOUR),),
)  # fmt: skip
INPUTS = InputSet("Question", "q", "asked_at", QUESTION, (ROUTE,), (ViewInput("Route", ("origin", "dest")),))


def departure(number: int, at: int, delay: float | None, *, late: int = 0, **other: Any) -> dict[str, Any]:
    row = {"id": number, "origin": "JFK", "dest": "LAX", "left_at": at, "delay": delay, "cancelled": False}
    return {**row, **other, "ingested_at": at + late}


def weather(at: int, wind: float | None, *, late: int = 0, place: str = "JFK") -> dict[str, Any]:
    return {"place": place, "seen_at": at, "wind": wind, "ingested_at": at + late}


ROWS = [
    departure(1, 0, 5.0),
    departure(2, 90 * MINUTE, 7.0, late=40 * MINUTE),
    departure(3, 2 * HOUR, None),
    departure(4, 3 * HOUR, 9.0),
    {**departure(4, 3 * HOUR, None, cancelled=True), "ingested_at": 5 * HOUR},
    departure(5, 3 * HOUR, 1.0, dest="SFO"),
]
WINDS = [weather(0, 12.0), weather(HOUR, 4.0, late=HOUR), weather(2 * HOUR, 20.0), weather(0, 99.0, place="SFO")]
MOMENTS = [0, 1, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 5 * HOUR, 30 * HOUR]


def answers(ws: Workspace, inputs: InputSet) -> list[dict[str, Any]]:
    questions = [{"q": n, "origin": "JFK", "dest": "LAX", "asked_at": at} for n, at in enumerate(MOMENTS)]
    sources = {"Departure": [part(ws, DEPARTURE, "left_at", ROWS)], "Weather": [part(ws, WEATHER, "seen_at", WINDS)]}
    return offline(ws, inputs, part(ws, QUESTION, "asked_at", questions), sources)


def test_routes_with_the_wind_that_was_known(ws: Workspace) -> None:
    for inputs in (INPUTS, replace(INPUTS, knowledge="as_of_event")):
        rows = {"Departure": ROWS, "Weather": WINDS}
        for found, at in zip(answers(ws, inputs), MOMENTS, strict=True):
            wanted = oracle.answer(ROUTE, rows, ("JFK", "LAX"), at, inputs.knowledge)
            assert {
                name: found[f"Route.{name}"]
                for name, value in wanted.items()
                if not same(value, found[f"Route.{name}"])
            } == {}


def test_lists_are_lists(ws: Workspace) -> None:
    found = answers(ws, INPUTS)
    assert [row["Route.delays"] for row in found] == [
        [],
        [5.0],
        [5.0],
        [5.0],
        [7.0, 5.0],
        [9.0, 7.0, 5.0],
        [7.0, 5.0],
        [],
    ]


def test_what_was_known_is_written_into_the_inputs(ws: Workspace) -> None:
    spine = part(ws, QUESTION, "asked_at", [{"q": 1, "origin": "JFK", "dest": "LAX", "asked_at": 0}])
    sources = {"Departure": [part(ws, DEPARTURE, "left_at", ROWS)], "Weather": [part(ws, WEATHER, "seen_at", WINDS)]}
    known = part_inputs(INPUTS, spine, sources)
    seen = part_inputs(replace(INPUTS, knowledge="as_of_event"), spine, sources)
    assert (known["inputs"].knowledge, seen["inputs"].knowledge) == ("as_known", "as_of_event")
    assert known != seen
    assert set(known["sources"]) == {"Departure", "Weather"}, "a joined source is an input too"


def test_a_joined_source_without_rows(ws: Workspace) -> None:
    spine = part(ws, QUESTION, "asked_at", [{"q": 1, "origin": "JFK", "dest": "LAX", "asked_at": HOUR}])
    (found,) = offline(ws, INPUTS, spine, {"Departure": [part(ws, DEPARTURE, "left_at", ROWS)], "Weather": []})
    assert (found["Route.wind"], found["Route.departures"]) == (None, 1)
