"""KServe v1 and TensorFlow Serving on the same paths: the union of both, missing values, CloudEvents."""

from __future__ import annotations

import json

from tiny_airline import MODEL, flight
from ways import V1

ROW = flight(1, tailnum="N1")


def test_a_models_state_is_what_both_want_to_read(call) -> None:
    told = call.json("GET", V1)
    assert told["ready"] is True and told["name"] == MODEL
    status = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert told["model_version_status"] == [status]
    for place in ("versions/1", "labels/champion"):
        assert call.json("GET", f"{V1}/{place}") == told
    assert call.json("GET", f"{V1}/versions/2", status=404)["code"] == "N6070"
    assert call.json("GET", "/v1/models") == {"models": [MODEL]}
    signature = call.json("GET", f"{V1}/metadata")["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["distance"]["dtype"] == "DT_DOUBLE"
    assert list(signature["outputs"]) == ["late"]


def test_nan_may_stand_in_a_body_for_a_missing_value(call) -> None:
    ours = call.predict({**ROW, "tailnum": None})[0]["output"]
    body = json.dumps({"instances": [{**ROW, "tailnum": float("nan")}]}).encode()
    assert b"NaN" in body
    assert call.json("POST", f"{V1}:predict", body)["predictions"] == [ours]
    for value in ("NaN", "Infinity", "-Infinity"):
        body = json.dumps({"instances": [{**ROW, "distance": 1.25}]}).replace("1.25", value).encode()
        assert "distance" in call.json("POST", f"{V1}:predict", body, status=400)["error"]
    assert (
        "NaN"
        in call.json("POST", "/predict", json.dumps({**ROW, "distance": float("nan")}).encode(), status=400)["error"]
    )


def test_classes_and_their_probabilities(call) -> None:
    ours = call.predict(ROW)[0]["output"]
    body = {"context": {"carrier": [ROW["carrier"]]}, "examples": [{k: v for k, v in ROW.items() if k != "carrier"}]}
    (((no, less), (yes, more)),) = call.json("POST", f"{V1}:classify", body)["result"]
    assert (no, yes, more) == ("0", "1", ours) and less == 1 - ours
    assert call.json("POST", f"{V1}:regress", body)["result"] == [ours]


def test_explanations_beside_predictions(call) -> None:
    reply = call.json("POST", f"{V1}:explain", {"instances": [ROW, ROW]})
    assert reply["predictions"] == [call.predict(ROW)[0]["output"]] * 2
    assert [one["method"] for one in reply["explanations"]] == ["trees", "trees"]
    assert (
        call.json("POST", f"{V1}/versions/1:explain", {"instances": [ROW]})["explanations"] == reply["explanations"][:1]
    )
    assert "at most 32" in call.json("POST", f"{V1}:explain", {"instances": [ROW] * 33}, status=400)["error"]


def test_columns_may_be_nested_and_must_be_as_long_as_each_other(call) -> None:
    columns = {name: [[value], [value]] for name, value in ROW.items()}
    outputs = call.json("POST", f"{V1}:predict", {"inputs": columns})["outputs"]
    assert outputs == [call.predict(ROW)[0]["output"]] * 2
    columns["origin"] = ["JFK"]
    assert "differ" in call.json("POST", f"{V1}:predict", {"inputs": columns}, status=400)["error"]


def test_bodies_that_do_not_fit(call) -> None:
    for body, word in (
        ({"instances": [ROW], "inputs": {}}, "one of"),
        ({"instances": []}, "empty"),
        ({"instances": {}}, "not an array"),
        ({"instances": [3]}, "columns"),
        ({"instances": [[1, 2]]}, "2 values for 7 columns"),
        ({"instances": [ROW], "signature_name": "other"}, "serving_default"),
        ({"instances": [{**ROW, "origin": {"b64": "!!"}}]}, "base64"),
        ({"instances": [{**ROW, "origin": {"b64": 3}}]}, "string"),
        ({"instances": [ROW] * 1001}, "at most 1000"),
        ({"inputs": [1]}, "not an object"),
    ):
        assert word in call.json("POST", f"{V1}:predict", body, status=400)["error"]


def test_an_event_is_answered_by_an_event(call) -> None:
    ours = call.predict(ROW)[0]["output"]
    about = {"id": "7", "source": "here", "type": "ask", "specversion": "1.0"}
    envelope = json.dumps({**about, "data": {"instances": [ROW]}}).encode()
    answer = call("POST", f"{V1}:predict", envelope, content_type="application/cloudevents+json; charset=utf-8")
    told = json.loads(answer.body)
    assert (told["id"], told["data"], answer.content_type) == (
        "7", {"predictions": [ours]}, "application/cloudevents+json",
    )  # fmt: skip
    headers = {f"ce_{name}": value for name, value in about.items()}
    answer = call("POST", f"{V1}:predict", {"instances": [ROW]}, **headers)
    assert (answer.headers["ce-id"], json.loads(answer.body)) == ("7", {"predictions": [ours]})
    for wrong in ({**headers, "ce_id": ""}, {**headers, "ce_id": "a\nb"}, {"ce_id": "1"}):
        assert "event" in call.json("POST", f"{V1}:predict", {"instances": [ROW]}, status=400, **wrong)["error"]
