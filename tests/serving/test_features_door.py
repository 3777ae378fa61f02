"""`POST /features`: what is known of entities now, by model and by views; and every way to misuse it."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import HOUR, MODEL, START, flight

NOON = "2026-11-01T12:00:00"
ROW = {"origin": "JFK", "carrier": "UA", "tailnum": "N1"}
NAMES = {
    "Airport.mean_delay_1h", "Airport.mean_delay_3h", "Airport.mean_delay_24h", "Airport.departures",
    "Carrier.late_share_24h", "Carrier.late_share_7d", "Aircraft.last_delay", "Sky.visibility", "Sky.wind_speed",
}  # fmt: skip


def departure(delay: float, *, origin: str = "JFK", at: object = "2026-11-01T11:30:00", **more: object) -> dict:
    return {"origin": origin, "left_at": at, "delay": delay, **more}


def arrival(delay: float, at: object, number: int = 1) -> dict:
    return {"flight_id": f"A{number}", "carrier": "UA", "tailnum": "N1", "landed_at": at, "delay": delay}


def send(call, source: str, *rows: dict) -> None:
    call.json("POST", "/events", {"source": source, "rows": list(rows)})


def ask(call, *rows: dict, **what: object) -> dict:
    return call.json("POST", "/features", {**(what or {"model": MODEL}), "rows": list(rows)})


def refusal(call, body: object, status: int = 400) -> dict:
    said = call.json("POST", "/features", body, status=status)
    assert said["code"].startswith("N") and said["error"]
    assert len(json.dumps(said)) < 6000
    return said


def test_a_model_by_its_name(call) -> None:
    send(call, "Departure", departure(10.0), departure(30.0, at="2026-11-01T11:40:00"))
    answer = ask(call, ROW, {**ROW, "origin": "EWR"})
    assert answer["at"] == START
    known, unknown = answer["rows"]
    assert set(known["features"]) == NAMES
    assert (known["features"]["Airport.mean_delay_1h"], known["features"]["Airport.departures"]) == (20.0, 2)
    assert (unknown["features"]["Airport.mean_delay_1h"], unknown["features"]["Airport.departures"]) == (None, 0)
    assert known["event_times"] == {"Airport": START - HOUR // 3, "Carrier": None, "Aircraft": None, "Sky": None}
    assert answer["freshness"]["Airport"] == {"event_time": START - HOUR // 3, "known": START - HOUR // 3}
    assert answer["freshness"]["Carrier"] is None


def test_views_by_their_names_in_their_own_columns(call) -> None:
    send(call, "Departure", departure(10.0))
    answer = ask(call, {"origin": "JFK", "tailnum": "N1"}, views=["Aircraft", "Airport", "Aircraft"])
    (row,) = answer["rows"]
    assert next(iter(row["features"])) == "Aircraft.last_delay"
    assert set(row["event_times"]) == set(answer["freshness"]) == {"Aircraft", "Airport"}
    assert row["features"]["Airport.departures"] == 1


def test_the_same_row_gives_what_predict_logs(call) -> None:
    send(call, "Departure", departure(10.0), departure(31.5, origin="EWR"), departure(7.25, origin="LGA"))
    send(call, "Arrival", arrival(40.0, "2026-11-01T09:00:00"), arrival(3.0, "2026-11-01T10:00:00", 2))
    send(call, "Weather", {"origin": "JFK", "observed_at": "2026-11-01T11:00:00", "visibility": 9.5})
    flights = [flight(number, tailnum=("N1", None)[number % 2]) for number in range(6)]
    answers = ask(call, *flights)["rows"]
    for answer, predicted in zip(answers, call.predict(*flights), strict=True):
        logged = call.plane.log.find(predicted["prediction_id"]).features
        assert answer["features"] == {name: value for name, value in logged.items() if name in NAMES}


def test_values_expire_and_their_event_times_stay(call) -> None:
    send(call, "Arrival", arrival(5.0, START - 6 * HOUR))
    asked = {"tailnum": "N1"}
    (row,) = ask(call, asked, views=["Aircraft"])["rows"]
    assert row == {"features": {"Aircraft.last_delay": 5.0}, "event_times": {"Aircraft": START - 6 * HOUR}}
    call.plane.clock.advance_to(START + 1)
    (row,) = ask(call, asked, views=["Aircraft"])["rows"]
    assert row == {"features": {"Aircraft.last_delay": None}, "event_times": {"Aircraft": START - 6 * HOUR}}


def test_what_is_stamped_a_little_later_counts_from_its_own_moment_on(call) -> None:
    """Up to a minute: clocks of senders differ. More is refused where events come in."""
    send(call, "Departure", departure(5.0, at=START + 30_000_000))
    asked = {"origin": "JFK"}
    assert ask(call, asked, views=["Airport"])["rows"][0]["features"]["Airport.departures"] == 0
    call.plane.clock.advance_to(START + 30_000_001)
    send(call, "Departure", departure(6.0, origin="EWR", at=START))  # time moves on with the next event
    answer = ask(call, asked, views=["Airport"])
    assert answer["rows"][0]["features"]["Airport.departures"] == 1
    assert answer["rows"][0]["event_times"] == {"Airport": START + 30_000_000}


def test_a_null_entity_is_one_that_nothing_is_known_about(call) -> None:
    send(call, "Departure", departure(10.0))
    (row,) = ask(call, {**ROW, "origin": None, "tailnum": None})["rows"]
    assert row["features"]["Airport.departures"] == 0
    assert row["features"]["Aircraft.last_delay"] is None
    assert set(row["event_times"].values()) == {None}


def test_from_no_row_to_a_thousand(call) -> None:
    send(call, "Departure", departure(10.0))
    assert ask(call)["rows"] == []
    assert set(ask(call)["freshness"]) == {"Airport", "Carrier", "Aircraft", "Sky"}
    assert len(ask(call, *[ROW] * 1000)["rows"]) == 1000
    assert "1001 rows" in refusal(call, {"model": MODEL, "rows": [ROW] * 1001})["error"]


def test_names_that_there_are_not_come_with_the_one_that_was_meant(call) -> None:
    assert refusal(call, {"model": "latness", "rows": []}, 404)["hint"] == "did you mean 'lateness'?"
    unknown = refusal(call, {"views": ["Airport", "Carier"], "rows": []}, 404)
    assert (unknown["code"], unknown["hint"]) == ("N6017", "did you mean 'Carrier'?")
    assert refusal(call, {"view": ["Airport"], "rows": []})["hint"] == "did you mean 'views'?"
    assert len(refusal(call, {"views": ["x" * 1_000_000], "rows": []}, 404)["error"]) < 1000
    assert len(refusal(call, {"model": "x" * 1_000_000, "rows": []}, 404)["error"]) < 1000
    assert len(refusal(call, {"x" * 1_000_000: 1})["error"]) < 1000


def test_every_fault_of_every_row_is_told_at_once(call) -> None:
    rows = [
        {"carrier": "UA", "tailnum": "N1"},
        {"origin": 5, "carrier": ["UA"], "tailnum": True},
        {**ROW, "orgin": "JFK"},
        ROW,
        {**ROW, "origin": 10**18},
    ]
    said = refusal(call, {"model": MODEL, "rows": rows})["error"]
    for place in ("rows[0].origin", "rows[1].origin", "rows[1].carrier", "rows[1].tailnum", "rows[2].orgin"):
        assert place in said
    assert "rows[3]" not in said and "rows[4].origin" in said
    assert "did you mean 'origin'?" in said
    assert "more" in refusal(call, {"model": MODEL, "rows": [{}] * 1000})["error"]


def test_a_request_of_the_model_may_be_sent_as_it_is_but_views_take_only_their_own_columns(call) -> None:
    assert ask(call, flight())["rows"]
    assert (
        "rows[0].distance" in refusal(call, {"views": ["Airport"], "rows": [{"origin": "JFK", "distance": 1}]})["error"]
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": [ROW]},
        {"model": MODEL},
        {"model": MODEL, "views": ["Airport"], "rows": [ROW]},
        {"model": MODEL, "rows": ROW},
        {"model": MODEL, "rows": [[]]},
        {"model": MODEL, "rows": [None]},
        {"model": 3, "rows": [ROW]},
        {"model": {"a": 1}, "rows": [ROW]},
        {"views": [], "rows": [ROW]},
        {"views": "Airport", "rows": [ROW]},
        {"views": [3], "rows": [ROW]},
        {"views": [["Airport"]], "rows": [ROW]},
        {"views": ["Airport"] * 101, "rows": [ROW]},
        {"views": {"Airport": 1}, "rows": [ROW]},
    ],
)
def test_bodies_that_ask_nothing_are_refused(call, body) -> None:
    refusal(call, body)


@pytest.mark.parametrize("path", ["/features", "/get-online-features"])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"3", b'"x"', b"[]", b"[" * 10**6, b'{"rows":' * 10**5, b"\xff\xfe", b'{"model": "\xff"}',
        b'{"model": "lateness", "rows": [NaN]}', b'{"model": "lateness", "rows": [Infinity]}', b'{"rows": [}',
        b'{"model": "\\ud800", "rows": []}', b'{"views": ["\\ud800"], "rows": []}', b'{"features": ["\\ud800:x"]}',
        b'{"features": [' + b"[" * 900 + b"]" * 900 + b"], \"entities\": {}}",
        b'{"features": [' + b"9" * 4000 + b'], "entities": {}}',
        b'{"features": [' + b"9" * 100_000 + b'], "entities": {}}',
        b'{"rows": [{"origin": ' + b"[" * 900 + b"]" * 900 + b'}], "views": ["Airport"]}',
        b'{"rows": [{"origin": ' + b"9" * 100_000 + b'}], "views": ["Airport"]}',
        b'{"entities": {"origin": [' + b"[" * 900 + b"]" * 900 + b']}, "features": ["Airport:departures"]}',
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused_and_the_server_goes_on(call, path: str, body: bytes) -> None:
    said = call("POST", path, body)
    assert said.status in (400, 404), said.body
    assert "Traceback" not in said.body.decode() and len(said.body) < 6000
    assert ask(call, ROW)["rows"]


def test_of_a_key_that_is_there_twice_the_last_counts(call) -> None:
    send(call, "Departure", departure(10.0))
    body = b'{"views": ["Sky"], "views": ["Airport"], "rows": [{"origin": "EWR", "origin": "JFK"}]}'
    assert call.json("POST", "/features", body)["rows"][0]["features"]["Airport.departures"] == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["model", "views", "rows", "entities", "features", "feature_service", "origin"]), inner
            )
        ),
        max_leaves=12,
    )
)
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_it_is_answered_or_refused(call, body) -> None:
    for path in ("/features", "/get-online-features"):
        assert call("POST", path, json.dumps(body).encode()).status in (200, 400, 404)


def test_the_door_is_open_before_a_version_is_there_and_shut_to_get(open_plane) -> None:
    call = open_plane()
    send(call, "Departure", departure(10.0))
    assert ask(call, ROW)["rows"][0]["features"]["Airport.departures"] == 1
    assert call("GET", "/features").headers["allow"] == "POST"
