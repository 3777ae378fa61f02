from __future__ import annotations

import pytest
from tiny_airline import MODEL, flight

PATH = f"/v2/models/{MODEL}/infer"
DATATYPES = {"distance": "FP64"}


def tensors(*rows: dict, **changes: dict) -> list[dict]:
    """Rows as the protocol wants them: a tensor a column."""
    return [
        {
            "name": name,
            "datatype": DATATYPES.get(name, "BYTES"),
            "shape": [len(rows)],
            "data": [row[name] for row in rows],
            **changes.get(name, {}),
        }
        for name in rows[0]
    ]


def test_tensors_are_answered_as_rows_are(call) -> None:
    rows = [flight(1), flight(2)]
    answer = call.json("POST", PATH, {"id": "42", "inputs": tensors(*rows)})
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("42", MODEL, "1")
    late, ids = answer["outputs"]
    assert (late["name"], late["datatype"], late["shape"]) == ("late", "FP64", [2])
    assert late["data"] == [one["output"] for one in call.predict(*rows)]
    assert call.plane.log.find(ids["data"][1]).key == "UA2"


def test_nested_data_ids_of_the_callers_and_a_choice_of_outputs(call) -> None:
    inputs = tensors(flight(1, prediction_id="mine"), distance={"shape": [1, 1], "data": [[188]], "datatype": "INT32"})
    answer = call.json("POST", PATH, {"inputs": inputs, "outputs": [{"name": "late"}]})
    assert [one["name"] for one in answer["outputs"]] == ["late"]
    assert "id" not in answer
    assert call.plane.log.find("mine").request["distance"] == 188.0


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("distance", {"datatype": "BYTES"}, "FP64"),
        ("distance", {"datatype": None}, "datatype"),
        ("distance", {"shape": [2]}, "1 values"),
        ("distance", {"shape": []}, "shape"),
        ("distance", {"shape": [1, 2]}, "shape"),
        ("distance", {"shape": [-1]}, "shape"),
        ("distance", {"shape": [True]}, "shape"),
        ("distance", {"shape": [10**30]}, "at most"),
        ("distance", {"shape": "1"}, "shape"),
        ("distance", {"data": 7}, "not an array"),
        ("distance", {"data": ["7"]}, "FP64"),
        ("distance", {"data": [True]}, "FP64"),
        ("distance", {"data": [[1, 2]]}, "nested"),
        ("distance", {"data": [[[1]]]}, "FP64"),
        ("distance", {"data": [300], "datatype": "UINT8"}, "UINT8"),
        ("distance", {"data": [-1], "datatype": "UINT64"}, "UINT64"),
        ("origin", {"name": "orign"}, "orign"),
        ("origin", {"name": 3}, "not a string"),
        ("origin", {"name": "dest"}, "twice"),
        ("origin", {"data": [["JFK"]] * 2, "shape": [2, 1]}, "differ"),
        ("origin", {"data": [None]}, "origin"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(call, column: str, change: dict, words: str) -> None:
    refusal = call.json("POST", PATH, {"inputs": tensors(flight(), **{column: change})}, status=400)
    assert words in refusal["error"] + refusal["hint"]


@pytest.mark.parametrize(
    "body", [[], {}, {"inputs": []}, {"inputs": {}}, {"inputs": [1]}, {"id": 3, "inputs": []}, {"inputs": None}]
)
def test_bodies_that_do_not_fit_are_refused(call, body: object) -> None:
    assert call.json("POST", PATH, body, status=400)["code"] == "N6001"


def test_an_output_that_does_not_exist_is_refused(call) -> None:
    body = {"inputs": tensors(flight()), "outputs": [{"name": "early"}]}
    assert "late" in call.json("POST", PATH, body, status=400)["error"]


def test_metadata_and_health(call) -> None:
    described = call.json("GET", f"/v2/models/{MODEL}")
    assert described["versions"] == ["1"]
    assert {"name": "distance", "datatype": "FP64", "shape": [-1]} in described["inputs"]
    assert {"name": "departs", "datatype": "INT64", "shape": [-1]} in described["inputs"]
    assert call.json("GET", "/v2")["name"] == "noria"
    assert call.json("GET", "/v2/health/live")["live"] is True
    assert call.json("GET", "/v2/health/ready")["ready"] is True
    assert call.json("GET", f"/v2/models/{MODEL}/ready") == {"name": MODEL, "ready": True}
    assert "error" in call.json("GET", "/v2/models/nobody/ready", status=404)
