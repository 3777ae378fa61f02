"""Versions in paths, statistics, configuration, the repository, and management that only reads."""

from __future__ import annotations

from tiny_airline import MODEL, add_version, flight
from ways import V2, tensors

from noria.registry.operations import promote


def test_a_version_that_is_not_in_memory_is_not_found(call) -> None:
    body = tensors([flight()])
    assert call.json("POST", f"{V2}/versions/1/infer", body)["model_version"] == "1"
    for place, method in (("", "GET"), ("/ready", "GET"), ("/config", "GET"), ("/stats", "GET"), ("/infer", "POST")):
        refusal = call.json(method, f"{V2}/versions/2{place}", body, status=404)
        assert refusal["code"] == "N6070" and "there are: 1" in refusal["error"]


def test_load_takes_up_the_version_that_was_promoted(ws, call) -> None:
    second = add_version(ws, seed=1)
    promote(ws, MODEL, second.number, reason="test")
    index = call.json("POST", "/v2/repository/index")
    assert [(one["name"], one["version"], one["state"]) for one in index] == [(MODEL, "1", "READY")]
    assert call.json("POST", f"/v2/repository/models/{MODEL}/load") == {}
    assert call.json("POST", "/v2/repository/index", {"ready": True})[0]["version"] == "2"
    assert call.json("GET", f"{V2}/config")["version_policy"] == {"specific": {"versions": [2]}}


def test_models_do_not_come_over_the_wire(call) -> None:
    place = f"/v2/repository/models/{MODEL}/load"
    for parameters in ({"config": "{}"}, {"file:1/model.onnx": "AAAA"}):
        assert call.json("POST", place, {"parameters": parameters}, status=403)["code"] == "N6072"
    assert call.json("POST", f"/v2/repository/models/{MODEL}/unload", status=403)["code"] == "N6072"
    assert call.json("POST", "/v2/repository/models/latness/load", status=404)["hint"] == "did you mean 'lateness'?"
    assert "boolean" in call.json("POST", "/v2/repository/index", {"ready": 1}, status=400)["error"]
    assert call.json("GET", "/v2/systemsharedmemory/status", status=501)["code"] == "N6071"


def test_a_model_that_waits_is_in_the_index_and_is_not_ready(open_plane) -> None:
    call = open_plane()
    (told,) = call.json("POST", "/v2/repository/index")
    assert (told["name"], told["state"]) == (MODEL, "UNAVAILABLE") and "production" in told["reason"]
    assert call.json("POST", "/v2/repository/index", {"ready": True}) == []
    assert call.json("POST", f"/v2/repository/models/{MODEL}/load", status=503)["code"] == "N6005"
    assert call.json("GET", "/ping", status=503)["status"] == "Unhealthy"
    assert call.json("POST", "/models", {"model_name": MODEL, "url": "s3://x"}, status=503)["type"]


def test_statistics_count_what_was_answered(call) -> None:
    call.predict(flight(1), flight(2))
    (told,) = call.json("GET", "/v2/models/stats")["model_stats"]
    assert (told["name"], told["version"], told["inference_count"]) == (MODEL, "1", 2)
    assert told["inference_stats"]["success"]["ns"] > 0
    assert call.json("GET", f"{V2}/stats")["model_stats"] == [told]


def test_torchserves_and_sagemakers_management_read_and_change_nothing(call) -> None:
    assert call.json("GET", "/models") == {"models": [{"modelName": MODEL, "modelUrl": f"registry:{MODEL}"}]}
    assert call.json("GET", "/models?limit=0")["nextPageToken"] == "0"
    assert call.json("GET", "/models?limit=x", status=400)["type"] == "BadRequestException"
    (told,) = call.json("GET", f"/models/{MODEL}")
    assert (told["modelVersion"], told["workers"][0]["status"]) == ("1", "READY")
    assert call.json("GET", f"/models/{MODEL}/all") == [told] == call.json("GET", f"/models/{MODEL}/1")
    assert call.json("GET", f"/models/{MODEL}/9", status=404)["type"] == "ModelVersionNotFoundException"
    assert call.json("GET", "/models/nobody", status=404)["type"] == "ModelNotFoundException"
    assert call.json("POST", "/models", {"model_name": MODEL, "url": "s3://x"}, status=409)["code"] == 409
    assert call.json("POST", "/models", {"model_name": "nobody"}, status=404)["code"] == 404
    for method, path in (("PUT", f"/models/{MODEL}"), ("DELETE", f"/models/{MODEL}"), ("DELETE", f"/models/{MODEL}/1")):
        assert call.json(method, path, status=403)["type"] == "MethodNotAllowedException"


def test_a_refusal_is_in_the_words_of_the_contract_whose_path_it_is(call) -> None:
    assert "error" in call.json("GET", "/v2/nothing", status=404)
    assert call.json("POST", "/v1/projects/1/nothing", status=404)["error"]["status"] == "NOT_FOUND"
    assert call.json("GET", "/score", status=405)["message"]
    assert call.json("GET", "/predictions/x", status=405)["type"] == "MethodNotAllowedException"
    assert call.json("GET", "/api/v1.0/nothing", status=404)["status"]["status"] == "FAILURE"
    assert call.json("GET", "/nothing", status=404)["code"] == "N6006"
