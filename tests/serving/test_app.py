"""The application without HTTP around it: every route, and every way to misuse it."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import MODEL, flight

from noria.core.clock import parse_moment
from noria.core.errors import StorageFull


def test_a_row_is_answered_logged_and_its_label_taken(call) -> None:
    (answer,) = call.predict(flight())
    assert 0 < answer["output"] < 1
    assert (answer["model"], answer["version"]) == (MODEL, 1)
    record = call.plane.log.find(answer["prediction_id"])
    assert record.output == answer["output"]
    assert record.key == "UA1"
    assert record.features["hour_of_day"] == 14
    assert record.request["departs"] == parse_moment("2026-11-01T14:00")
    label = {"prediction_id": answer["prediction_id"], "label": 1}
    assert call.json("POST", "/feedback", label) == {"accepted": 1, "refused": []}


def test_a_repeated_prediction_id_gets_the_first_answer_also_after_a_restart(call, open_plane) -> None:
    asked = flight(prediction_id="p1")
    first = call.predict(asked)
    assert call.predict(asked) == first == call.predict({**asked, "distance": 9.0})
    call.plane.close()
    again = open_plane()
    assert again.predict(asked) == first
    assert again.predict(asked, flight(2), asked)[::2] == first * 2


def test_one_bad_row_refuses_all_and_logs_none(call) -> None:
    body = {"rows": [flight(1, prediction_id="good"), flight(2, distance="far")]}
    refusal = call.json("POST", "/predict", body, status=400)
    assert "distance" in refusal["error"]
    assert call.plane.log.find("good") is None


@pytest.mark.parametrize(
    "change",
    [
        {"distance": None},
        {"distance": "12"},
        {"distance": True},
        {"distance": 1e400},
        {"distance": [1]},
        {"origin": 3},
        {"origin": None},
        {"departs": "yesterday"},
        {"departs": 10**40},
        {"departs": {}},
        {"flight_id": None},
        {"tailnum": 5},
        {"unheard_of": 1},
        {"prediction_id": ""},
        {"prediction_id": {"a": 1}},
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_code_and_status(call, change) -> None:
    body = json.dumps(flight(**change)).replace("Infinity", "1e400").encode()
    refusal = call.json("POST", "/predict", body, status=400)
    assert refusal["code"].startswith("N")
    assert refusal["error"]


@pytest.mark.parametrize(
    "body", [b"", b"[", b"\xff\xfe", b"[" * 10**5, b'{"rows":', b"null", b"3", b'"x"', b"[[]]", b"NaN"]
)
@pytest.mark.parametrize("path", ["/predict", "/feedback", "/events", f"/v2/models/{MODEL}/infer"])
def test_bodies_that_are_no_rows_are_refused_everywhere(call, path: str, body: bytes) -> None:
    refusal = call.json("POST", path, body, status=400)
    assert refusal["code"].startswith("N60")
    assert "Traceback" not in json.dumps(refusal)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*flight(), "x"]), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*flight(), "prediction_id", "rows"]), JSON, max_size=4))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_row_holds_it_is_answered_or_refused(call, change) -> None:
    assert call("POST", "/predict", flight(**change)).status in (200, 400)


def test_unknown_paths_methods_and_models_say_what_there_is(call) -> None:
    assert "/predict" in call.json("POST", "/predictt", {}, status=404)["hint"]
    wrong = call("GET", "/predict")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    assert call.json("GET", "/v2/models/latness", status=404)["hint"] == "did you mean 'lateness'?"
    assert call.json("POST", "/predict?model=nobody", flight(), status=404)["code"] == "N6003"
    assert call.json("POST", f"/predict?model={MODEL}", flight())["predictions"]


def test_feedback_keeps_the_good_and_names_the_bad(call) -> None:
    ids = [one["prediction_id"] for one in call.predict(flight(1), flight(2))]
    batch = [
        {"prediction_id": ids[0], "label": 1},
        {"prediction_id": "never", "label": 1},
        {"prediction_id": ids[1], "label": "late"},
        {"prediction_id": ids[1], "outcome": {"refund": 120.5}},
        7,
    ]
    reply = call.json("POST", "/feedback", batch)
    assert reply["accepted"] == 2
    assert [(one["prediction_id"], one["code"]) for one in reply["refused"]] == [
        ("never", "N6004"),
        (ids[1], "N6013"),
        (None, "N6001"),
    ]
    assert call.json("POST", "/feedback", batch[1], status=404)["code"] == "N6004"


def test_the_same_label_twice_is_logged_once(call) -> None:
    (answer,) = call.predict(flight())
    for _ in range(3):
        assert call.json("POST", "/feedback", {"prediction_id": answer["prediction_id"], "label": 0})["accepted"] == 1
    call.plane.log.seal()
    assert b"noria_feedback_total 1.0" in call("GET", "/metrics").body


def test_events_are_taken_once_per_stream_position(call) -> None:
    rows = [{"origin": "JFK", "left_at": "2026-11-01T11:00:00", "delay": 5.0}] * 3
    body = {"source": "Departure", "rows": rows, "stream": "file-1", "position": 0}
    assert call.json("POST", "/events", body) == {"applied": 3, "repeated": 0}
    assert call.json("POST", "/events", body) == {"applied": 0, "repeated": 3}
    assert call.json("GET", "/events/positions")["positions"]["file-1"] == 3
    assert call.json("POST", "/events", {"source": "Nothing", "rows": rows}, status=404)["code"] == "N1404"
    wrong = {"source": "Departure", "rows": [{**rows[0], "delay": "late"}]}
    assert call.json("POST", "/events", wrong, status=400)["code"] == "N3101"
    assert call.json("POST", "/events", [body, body]) == {"applied": 0, "repeated": 6}


def departures(*delays: float) -> list[dict]:
    return [{"origin": "EWR", "left_at": "2026-11-01T11:30:00", "delay": delay} for delay in delays]


def test_events_are_what_the_next_answer_is_made_of_also_after_a_restart(call, open_plane) -> None:
    def seen(call, name: str) -> dict:
        call.json("POST", "/predict", flight(1, prediction_id=name))
        return call.plane.log.find(name).features

    assert seen(call, "before")["Airport.departures"] == 0
    call.json("POST", "/events", {"source": "Departure", "rows": departures(10.0, 30.0)})
    after = seen(call, "after")
    assert (after["Airport.departures"], after["Airport.mean_delay_1h"]) == (2, 20.0)
    call.plane.close()
    assert seen(open_plane(), "restarted") == after


def test_history_fills_the_views_that_have_none_once(ws, call, open_plane) -> None:
    call.plane.close()
    asked, taken = [], []

    def fill(online, views) -> None:
        asked.append({view.name for view in views})
        moment = parse_moment("2026-11-01T11:30")
        history = {
            "Departure": pa.table({"origin": ["EWR"], "left_at": [moment], "delay": [7.0], "ingested_at": [moment]})
        }

        taken.append(online.backfill(history))

    for name in ("first", "second"):
        again = open_plane(on_views=fill)
        again.json("POST", "/predict", flight(1, prediction_id=name))
        assert again.plane.log.find(name).features["Airport.mean_delay_1h"] == 7.0
        again.plane.close()
    assert asked == [{"Airport", "Carrier", "Aircraft", "Sky"}] * 2
    assert taken == [1, 0]


def test_an_event_of_the_future_is_refused(call) -> None:
    rows = [{"origin": "JFK", "left_at": "9000-01-01T00:00:00", "delay": 5.0}]
    refusal = call.json("POST", "/events", {"source": "Departure", "rows": rows}, status=400)
    assert refusal["code"] == "N3101"
    assert "is stamped 9000-01-01" in refusal["error"]


def test_only_a_replay_takes_the_callers_time(call, open_plane) -> None:
    later = call.plane.clock.now() + 5_000_000
    refusal = call.json("POST", "/predict", flight(), status=400, noria_time=str(later))
    assert refusal["code"] == "N6010"
    call.plane.close()
    replay = open_plane(replay=True)
    answer = replay.json("POST", "/predict", flight(), noria_time=str(later))["predictions"][0]
    assert replay.plane.log.find(answer["prediction_id"]).at == later
    replay.json("POST", "/predict", flight(2), noria_time=str(later - 1))
    assert replay.plane.clock.now() == later
    for wrong in ("", "-1", "1e3", "9" * 30, "١"):
        assert replay.json("POST", "/predict", flight(), status=400, noria_time=wrong)["code"] == "N6001"


def test_when_the_log_cannot_be_written_nothing_is_answered_and_the_server_lives(call, monkeypatch) -> None:
    def full(_records: object, **_: object) -> None:
        raise StorageFull("no room", hint="free room")

    with monkeypatch.context() as patch:
        patch.setattr(call.plane.log, "append_many", full)
        assert call.json("POST", "/predict", flight(prediction_id="p"), status=507)["code"] == "N1507"
    assert call.plane.log.find("p") is None
    assert call.predict(flight(prediction_id="p"))


def test_what_nobody_foresaw_is_a_bare_code(call, monkeypatch) -> None:
    def surprise(*_: object) -> None:
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr(call.plane.endpoint, "begin", surprise)
    refusal = call.json("POST", "/predict", flight(), status=500)
    assert refusal["code"] == "N6008"
    assert "secret" not in json.dumps(refusal)
    assert b'noria_prediction_errors_total{reason="N6008"} 1.0' in call("GET", "/metrics").body


def test_metrics_count_rows_by_version_and_arm(call) -> None:
    call.predict(flight(1), flight(2))
    text = call("GET", "/metrics").body.decode()
    assert 'noria_predictions_total{arm="champion",model="lateness",version="1"} 2.0' in text
    assert 'noria_prediction_duration_seconds_count{model="lateness"} 2.0' in text
    assert 'noria_model_info{arm="champion",' in text
    assert "noria_log_backlog_segments 0.0" in text


def test_without_a_version_the_server_lives_but_is_not_ready(open_plane) -> None:
    call = open_plane()
    assert call("GET", "/v2/health/live").status == 200
    assert call("GET", "/v2/health/ready").status == 503
    assert call.json("POST", "/predict", flight(), status=503)["code"] == "N6005"
    assert call.json("GET", "/")["waiting"] == {MODEL: "no version has the alias 'production'"}
