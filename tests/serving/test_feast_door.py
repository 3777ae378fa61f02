"""`POST /get-online-features`: the words of Feast 0.67's feature server, and Feast's own client asking us."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import pytest
import tiny_airline
from test_server import server
from tiny_airline import HOUR, MODEL, START, add_version

from noria.core.clock import parse_moment
from noria.core.schema import Column
from noria.features.model import BadRequestRow, FeatureSpec, InputSet, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.serving.feast_door import answer_feast, rfc3339
from noria.serving.features_door import Catalogue, look_up
from noria.serving.lineup import Board
from noria.serving.model import ServedModel
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.testing import rivals

PRESENT, NOT_FOUND, NULL_VALUE, OUTSIDE_MAX_AGE = "PRESENT", "NOT_FOUND", "NULL_VALUE", "OUTSIDE_MAX_AGE"
NEVER = "1970-01-01T00:00:00Z"


@pytest.fixture
def filled(call):
    """JFK has departures and weather without wind, EWR departures alone; N1 landed three hours ago."""
    events = {
        "Departure": [
            {"origin": "JFK", "left_at": START - HOUR // 2, "delay": 10.0},
            {"origin": "JFK", "left_at": START - HOUR // 4 + 1500, "delay": 30.0},
            {"origin": "EWR", "left_at": START - HOUR // 2, "delay": -4.5},
        ],
        "Weather": [{"origin": "JFK", "observed_at": START - HOUR, "visibility": 9.5, "wind_speed": None}],
        "Arrival": [
            {"flight_id": "A1", "carrier": "UA", "tailnum": "N1", "landed_at": START - 3 * HOUR, "delay": 16.0}
        ],
    }
    for source, rows in events.items():
        call.json("POST", "/events", {"source": source, "rows": rows})
    return call


def ask(call, features: object, entities: object, **more: object) -> dict:
    body = {"features": features, "entities": entities, **more}
    return call.json("POST", "/get-online-features", body)


def refusal(call, body: object, status: int = 400) -> dict:
    return call.json("POST", "/get-online-features", body, status=status)


def test_a_list_of_features(filled) -> None:
    features = ["Airport:departures", "Sky:visibility", "Airport:mean_delay_1h"]
    answer = ask(filled, features, {"origin": ["JFK", "EWR", "LGA"]})
    assert answer == {
        "metadata": {"feature_names": ["origin", "departures", "visibility", "mean_delay_1h"]},
        "results": [
            {"values": ["JFK", "EWR", "LGA"], "statuses": [PRESENT] * 3, "event_timestamps": [NEVER] * 3},
            {
                "values": [2, 1, 0],
                "statuses": [PRESENT, PRESENT, NOT_FOUND],
                "event_timestamps": ["2026-11-01T11:45:00.001500Z", "2026-11-01T11:30:00Z", NEVER],
            },
            {
                "values": [9.5, None, None],
                "statuses": [PRESENT, NOT_FOUND, NOT_FOUND],
                "event_timestamps": ["2026-11-01T11:00:00Z", NEVER, NEVER],
            },
            {
                "values": [20.0, -4.5, None],
                "statuses": [PRESENT, PRESENT, NOT_FOUND],
                "event_timestamps": ["2026-11-01T11:45:00.001500Z", "2026-11-01T11:30:00Z", NEVER],
            },
        ],
    }


def test_what_is_null_says_why(filled) -> None:
    features = ["Aircraft:last_delay", "Sky:wind_speed"]
    entities = {"tailnum": ["N1", "N2", None], "origin": ["JFK", "EWR", None]}

    def told() -> list[tuple]:
        return [(column["values"], column["statuses"]) for column in ask(filled, features, entities)["results"][2:]]

    assert told() == [
        ([16.0, None, None], [PRESENT, NOT_FOUND, NOT_FOUND]),
        ([None] * 3, [NULL_VALUE, NOT_FOUND, NOT_FOUND]),
    ]
    filled.plane.clock.advance_to(START + 3 * HOUR + 1)
    assert told() == [
        ([None] * 3, [OUTSIDE_MAX_AGE, NOT_FOUND, NOT_FOUND]),
        ([None] * 3, [OUTSIDE_MAX_AGE, NOT_FOUND, NOT_FOUND]),
    ]
    departed = ask(filled, ["Airport:mean_delay_1h", "Airport:departures"], {"origin": ["JFK"]})["results"][1:]
    assert [(one["values"], one["statuses"]) for one in departed] == [([None], [NULL_VALUE]), ([0], [PRESENT])]


def test_full_names_tell_views_apart(filled) -> None:
    answer = ask(filled, ["Airport:departures"], {"origin": ["JFK"]}, full_feature_names=True)
    assert answer["metadata"]["feature_names"] == ["origin", "Airport__departures"]
    twice = refusal(filled, {"features": ["Airport:departures"] * 2, "entities": {"origin": ["JFK"]}})
    assert "full_feature_names" in twice["hint"]


def test_a_model_is_a_feature_service_and_gives_what_features_gives(filled) -> None:
    rows = [{"origin": "JFK", "carrier": "UA", "tailnum": "N1"}, {"origin": "EWR", "carrier": "AA", "tailnum": None}]
    entities = {name: [row[name] for row in rows] for name in rows[0]}
    body = {"feature_service": MODEL, "entities": entities, "full_feature_names": True}
    answer = filled.json("POST", "/get-online-features", body)
    ours = filled.json("POST", "/features", {"model": MODEL, "rows": rows})["rows"]
    assert answer["metadata"]["feature_names"][:3] == ["origin", "carrier", "tailnum"]
    for number, row in enumerate(ours):
        columns = zip(answer["metadata"]["feature_names"], answer["results"], strict=True)
        theirs = {name.replace("__", "."): column["values"][number] for name, column in columns}
        assert theirs == {**rows[number], **row["features"]}


def test_entities_that_no_view_asked_for_needs_come_back_and_unknown_ones_are_refused(filled) -> None:
    """As with Feast, whose answer begins with every column given."""
    answer = ask(filled, ["Airport:departures"], {"tailnum": ["N1"], "origin": ["JFK"]})
    assert answer["metadata"]["feature_names"] == ["tailnum", "origin", "departures"]
    unknown = refusal(filled, {"features": ["Airport:departures"], "entities": {"orgin": ["JFK"]}})
    assert unknown["hint"] == "did you mean 'origin'?"


def test_no_rows_and_too_many(filled) -> None:
    assert ask(filled, ["Airport:departures"], {"origin": []})["results"][1]["values"] == []
    many = ask(filled, ["Airport:departures"], {"origin": ["JFK"] * 1000})
    assert many["results"][1]["values"] == [2] * 1000
    assert (
        "1000" in refusal(filled, {"features": ["Airport:departures"], "entities": {"origin": ["JFK"] * 1001}})["hint"]
    )


def test_names_that_there_are_not_come_with_the_one_that_was_meant(filled) -> None:
    entities = {"origin": ["JFK"]}
    for features, meant in ((["Airprt:departures"], "Airport"), (["Airport:depatures"], "departures")):
        said = refusal(filled, {"features": features, "entities": entities}, 404)
        assert (said["code"], said["hint"]) == ("N6017", f"did you mean {meant!r}?")
    assert refusal(filled, {"feature_service": "latness", "entities": entities}, 404)["code"] == "N6003"
    wrong = refusal(filled, {"feature": ["Airport:departures"], "entities": entities})
    assert wrong["hint"] == "did you mean 'features'?"


def test_every_fault_of_the_entities_is_told_at_once(filled) -> None:
    entities = {"origin": [1, "JFK", True], "tailnum": ["N1", {}, "N2"]}
    said = refusal(filled, {"features": ["Airport:departures", "Aircraft:last_delay"], "entities": entities})
    for place in ("entities[0].origin", "entities[2].origin", "entities[1].tailnum"):
        assert place in said["error"]
    assert "3 faults" in said["error"]
    lacking = refusal(filled, {"features": ["Aircraft:last_delay"], "entities": {"origin": ["JFK"]}})
    assert "lacks 'tailnum'" in lacking["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"features": []}, {"features": None}, {"features": "Airport:departures"}, {"features": [3]},
        {"features": [None]}, {"features": [["Airport:departures"]]}, {"features": ["departures"]},
        {"features": ["Airport:departures:1"]}, {"features": ["Airport:departures"] * 1001},
        {"feature_service": 3}, {"full_feature_names": "yes"}, {"full_feature_names": 1},
        {"entities": None}, {"entities": []}, {"entities": {}}, {"entities": {"origin": "JFK"}},
        {"entities": {"origin": ["JFK"], "tailnum": []}}, {"entities": {"origin": [{"string_val": "JFK"}]}},
    ],
)  # fmt: skip
def test_questions_that_are_none_are_refused(filled, change) -> None:
    body = {"features": ["Airport:departures"], "entities": {"origin": ["JFK"]}}
    said = refusal(filled, {**body, **change})
    assert said["code"].startswith("N") and len(said["error"]) < 1000


SEEN = ViewSpec(
    "Seen", "Visit", ("shop", "customer"), "at",
    (
        FeatureSpec("last_seen", "latest", "seen", dtype="time"),
        FeatureSpec("visits", "count", lifetime=True, dtype="int"),
    ),
    (Column("shop", "int"), Column("customer", "string"), Column("at", "time"), Column("seen", "time", nullable=True)),
)  # fmt: skip


def test_several_entities_of_a_view_and_times_among_its_features(tmp_path: Path) -> None:
    inputs = InputSet("Ask", "id", "at", (Column("id", "string"), Column("at", "time")), (SEEN,), ())
    catalogue = Catalogue(Board(), {"shops": ServedModel(inputs)})
    online = OnlineFeatures([SEEN], LmdbOnlineStore(tmp_path / "store"), tmp_path / "spool")
    rows = [{"shop": shop, "customer": "a", "at": START, "seen": START + 1_999_999} for shop in (1, 1, 2)]
    online.ingest("Visit", rows, now=START)
    pairs = [(1, "a"), (2, "a"), (2, "b"), (None, "a"), (1.0, "a")]
    entities = {"customer": [customer for _, customer in pairs], "shop": [shop for shop, _ in pairs]}
    asked = {"features": ["Seen:visits", "Seen:last_seen"], "entities": entities}
    visits, seen = answer_feast(asked, catalogue, online, START + 1)["results"][2:]
    assert visits["values"] == [2, 1, 0, 0, 2]
    second = START // 1_000_000 + 1  # Feast's times have no fraction
    assert seen["values"] == [second, second, None, None, second]
    assert seen["statuses"] == [PRESENT, PRESENT, NOT_FOUND, NOT_FOUND, PRESENT]
    ours = {"views": ["Seen"], "rows": [{"shop": shop, "customer": customer} for shop, customer in pairs]}
    found = [row["features"] for row in look_up(ours, catalogue, online, START + 1)["rows"]]
    assert [row["Seen.visits"] for row in found] == visits["values"]
    assert found[0]["Seen.last_seen"] == START + 1_999_999
    half = {"views": ["Seen"], "rows": [{"shop": 1}, {"shop": 1.5, "customer": "a"}]}
    with pytest.raises(
        BadRequestRow, match=r"rows\[0\].customer: is missing\n.*rows\[1\].shop: 1.5 is no whole number"
    ):
        look_up(half, catalogue, online, START + 1)
    online.close()


def test_moments_as_feast_writes_them() -> None:
    for text in (
        "2026-11-01T11:45:00Z",
        "2026-11-01T11:45:00.250Z",
        "2026-11-01T11:45:00.000001Z",
        "0099-01-01T00:00:00Z",
        NEVER,
    ):
        assert rfc3339(parse_moment(text)) == text


def test_feasts_own_client_asks_a_running_server(tmp_path: Path) -> None:
    """Feast's FeatureStore with `online_store: {type: remote}`: what it gives is what we hold."""
    root, theirs = tmp_path / "ours", tmp_path / "theirs"
    root.mkdir(), theirs.mkdir()
    ws = tiny_airline.workspace(root)
    add_version(ws, promoted=True)
    ws.close()
    with server(root) as (url, _):
        departures = [
            {"origin": origin, "left_at": START - HOUR // 2, "delay": delay}
            for origin, delay in (("JFK", 10.0), ("JFK", 31.0), ("EWR", 3.25))
        ]
        weather = [{"origin": "JFK", "observed_at": START - HOUR, "visibility": 9.5, "wind_speed": None}]
        for source, rows in (("Departure", departures), ("Weather", weather)):
            assert httpx.post(f"{url}/events", json={"source": source, "rows": rows}).json()["applied"] == len(rows)
        script = Path(__file__).with_name("ask_feast.py")
        done = subprocess.run(
            [rivals.python("feast"), script, theirs, url], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr[-4000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["features"] == {
        "origin": ["JFK", "EWR", "nowhere"],
        "mean_delay_1h": [20.5, 3.25, None],
        "departures": [2, 1, 0],
        "wind_speed": [None, None, None],
        "visibility": [9.5, None, None],
    }
    assert said["full"] == {"origin": ["JFK"], "Airport__mean_delay_1h": [20.5]}
    assert said["service"]["departures"] == [2] and said["service"]["visibility"] == [9.5]
    assert [one["departures"] for one in said["read"]][:2] == [2, 1]
    assert [one["mean_delay_1h"] for one in said["read"]] == [20.5, 3.25, None]
    assert "did you mean 'departures'?" in said["refused"]
