"""Champion and challenger, following the routing, and living without the database. In this process, without HTTP."""

from __future__ import annotations

from dataclasses import replace

from tiny_airline import INPUTS, MODEL, add_version, flight

from noria.core.errors import Unavailable
from noria.registry.operations import promote
from noria.serving.lineup import position
from noria.serving.model import Routing, ServedModel
from noria.serving.operations import get_routing, set_routing


def route(ws, **changes: object) -> Routing:
    values = {
        "model": MODEL,
        "champion": 1,
        "challenger": 2,
        "mode": "split",
        "share": 0.5,
        "salt": "s",
        "rollout": "r1",
    }
    with ws.database.transaction() as connection:
        return set_routing(ws, connection, Routing(**{**values, **changes}))


def test_routings_are_numbered_and_journaled(ws) -> None:
    assert get_routing(ws, MODEL) is None
    first, second = route(ws), route(ws, share=0.1)
    assert (first.revision, second.revision) == (1, 2)
    assert get_routing(ws, MODEL) == second
    facts = ws.journal.read(kinds=["RoutingChanged"], subject=f"model:{MODEL}")
    assert [fact.data["share"] for fact in facts] == [0.5, 0.1]


def test_in_shadow_the_champion_answers_and_both_are_scored(ws, call) -> None:
    add_version(ws, 1)
    (alone,) = call.predict(flight())
    route(ws, mode="shadow")
    call.plane.refresh()
    (answer,) = call.predict(flight())
    assert (answer["version"], answer["output"]) == (1, alone["output"])
    record = call.plane.log.find(answer["prediction_id"])
    assert (record.arm, record.other_version, record.rollout) == ("champion", 2, "r1")
    assert record.other_output not in (None, record.output)


def test_in_a_split_the_key_decides_and_both_are_scored(ws, call) -> None:
    add_version(ws, 1)
    route(ws)
    call.plane.refresh()
    answers = call.predict(*[flight(number) for number in range(100)])
    for number, answer in enumerate(answers):
        challenged = position(f"UA{number}", "s") < 0.5
        record = call.plane.log.find(answer["prediction_id"])
        assert (record.arm, record.version, record.other_version) == (
            ("challenger", 2, 1) if challenged else ("champion", 1, 2)
        )
    text = call("GET", "/metrics").body.decode()
    assert 'noria_predictions_total{arm="challenger",model="lateness",version="2"}' in text


def test_a_challenger_that_breaks_hurts_nobody(ws, call) -> None:
    add_version(ws, 1)
    route(ws, share=1.0)
    call.plane.refresh()

    class Broken:
        def __init__(self, answer: float | None) -> None:
            self.answer = answer

        def predict_row(self, row: object) -> float:
            if self.answer is None:
                raise RuntimeError("the graph fell over")
            return self.answer

    for count, answer in enumerate((None, float("nan"), float("inf")), 1):
        object.__setattr__(call.plane.board.lineups[MODEL].challenger, "scorer", Broken(answer))
        (one,) = call.predict(flight())
        assert one["version"] == 1
        assert call.plane.log.find(one["prediction_id"]).arm == "champion"
        assert (
            f'noria_prediction_errors_total{{reason="challenger"}} {count}.0' in call("GET", "/metrics").body.decode()
        )
    object.__setattr__(call.plane.board.lineups[MODEL].champion, "scorer", Broken(float("nan")))
    assert call.json("POST", "/predict", flight(), status=500)["code"] == "N6009"


def test_a_challenger_that_cannot_be_loaded_is_told_and_left_out(ws, call) -> None:
    version = add_version(ws, 1)
    ws.blobs.path(version.model_digest).write_bytes(b"no graph at all")
    route(ws)
    call.plane.refresh()
    assert call.predict(flight())[0]["version"] == 1
    ready = call.json("GET", "/v2/health/ready")
    assert ready["ready"] is True
    assert "challenger" in ready["degraded"]


def test_a_champion_that_cannot_be_loaded_leaves_the_old_one_in_force(ws, call) -> None:
    version = add_version(ws, 1)
    ws.blobs.path(version.model_digest).write_bytes(b"no graph at all")
    promote(ws, MODEL, version.number, reason="test", force=True)
    call.plane.refresh()
    assert call.predict(flight())[0]["version"] == 1
    assert call.json("GET", "/v2/health/ready")["degraded"]


def test_an_alias_moved_by_hand_is_followed(ws, call) -> None:
    route(ws, challenger=None, mode="single")
    promote(ws, MODEL, add_version(ws, 1).number, reason="test", force=True)
    assert call.json("POST", "/v2/repository/refresh")["models"][0]["version"] == 2
    assert call.predict(flight())[0]["version"] == 2


def test_another_alias_is_served_alone(ws, call, open_plane, monkeypatch) -> None:
    add_version(ws, 1)
    route(ws)
    call.plane.close()
    monkeypatch.setattr("tiny_airline.MODELS", {MODEL: ServedModel(INPUTS, alias="staging")})
    assert open_plane().json("GET", "/")["waiting"] == {MODEL: "no version has the alias 'staging'"}


def test_the_data_plane_answers_without_the_control_plane(ws, call, open_plane, monkeypatch) -> None:
    add_version(ws, 1)
    route(ws, share=1.0)
    call.plane.refresh()
    before = call.predict(flight())[0]["output"]

    def away(*_: object, **__: object) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(type(ws.database), "reading", away)
    monkeypatch.setattr(type(ws.database), "transaction", away)
    call.plane.refresh()
    assert call.predict(flight())[0]["output"] == before
    call.plane.close()

    restarted = open_plane()
    (answer,) = restarted.predict(flight())
    assert (answer["version"], answer["output"]) == (2, before)
    ready = restarted.json("GET", "/v2/health/ready")
    assert ready["ready"] is True
    assert "database is away" in ready["degraded"]
    monkeypatch.undo()
    restarted.plane.refresh()
    assert restarted.json("GET", "/v2/health/ready")["degraded"] is None


def test_a_damaged_last_routing_file_is_left_aside(ws, call, open_plane) -> None:
    call.plane.close()
    (ws.settings.home / "serving" / "last.json").write_bytes(b"\x00 half")
    assert open_plane().predict(flight())[0]["version"] == 1


def test_a_function_that_has_changed_since_training_is_told(ws, call, open_plane, monkeypatch) -> None:
    call.plane.close()
    inputs = tuple(replace(one, fingerprint="new") if one.kind == "function" else one for one in INPUTS.inputs)
    monkeypatch.setattr("tiny_airline.MODELS", {MODEL: ServedModel(replace(INPUTS, inputs=inputs))})
    ready = open_plane().json("GET", "/v2/health/ready")
    assert ready["ready"] is True
    assert "hour_of_day" in ready["degraded"]
