"""`?explain=true`: exact where the model is trees, and the shares always make the answer."""

from __future__ import annotations

import json
import math

import pytest
from native_airline import add_native
from tiny_airline import MODEL, flight

from noria.serving.manner import Manner, manner_of


def test_predictions_come_with_what_each_column_contributed(call) -> None:
    (answer,) = call.json("POST", "/predict?explain=true", flight())["predictions"]
    told = answer["explanation"]
    assert (told["method"], told["scale"]) == ("trees", "log-odds")
    assert {"hour_of_day", "Airport.mean_delay_1h", "origin"} <= told["contributions"].keys()
    total = told["base"] + sum(told["contributions"].values())
    assert 1 / (1 + math.exp(-total)) == pytest.approx(answer["output"], abs=1e-6)
    assert "explanation" not in call.predict(flight())[0]
    assert "explanation" not in call.json("POST", "/predict?explain=false", flight())["predictions"][0]


def test_the_open_inference_protocol_carries_them_as_a_parameter(call) -> None:
    columns = {name: value for name, value in flight().items() if value is not None}
    kinds = {float: "FP64", str: "BYTES"}
    inputs = [
        {"name": name, "shape": [1], "datatype": kinds[type(value)], "data": [value]} for name, value in columns.items()
    ]
    reply = call.json("POST", f"/v2/models/{MODEL}/infer?explain=true", {"inputs": inputs})
    (told,) = json.loads(reply["parameters"]["explanations"])
    total = told["base"] + sum(told["contributions"].values())
    assert 1 / (1 + math.exp(-total)) == pytest.approx(reply["outputs"][0]["data"][0], abs=1e-6)


def test_there_a_parameter_asks_for_them_too(call) -> None:
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}
        for name, value in flight().items()
        if value is not None
    ]

    def infer(query: str = "", status: int = 200, **parameters):
        path = f"/v2/models/{MODEL}/infer{query}"
        return call.json("POST", path, {"inputs": inputs, "parameters": parameters}, status=status)

    assert infer(explain=True, priority=1)["parameters"].keys() == {"explanations"}
    assert "parameters" not in infer("?explain=false", explain=True)
    assert "explain" in infer(explain="yes", status=400)["error"]
    assert "priority" in infer(priority=1.5, status=400)["error"]


@pytest.mark.parametrize(("level", "priority"), [(0, 0), (1, 9), (9, 1), (10, 0), (12, -2), (2**40, -9)])
def test_tritons_priorities_count_from_the_highest(level: int, priority: int) -> None:
    assert manner_of({"priority": level}) == Manner(priority)


def test_native_models_are_explained_by_their_worker(ws, open_plane) -> None:
    add_native(ws)
    call = open_plane()
    (answer,) = call.json("POST", "/predict?explain=1", flight(distance=1000.0))["predictions"]
    told = answer["explanation"]
    assert (told["method"], told["scale"]) == ("permutation", "output")
    assert told["total"] == pytest.approx(answer["output"])
    pushed = {name for name, share in told["contributions"].items() if abs(share) > 1e-9}
    assert pushed == {"distance", "Aircraft.last_delay"}


def test_too_much_and_nonsense_are_refused(call) -> None:
    many = {"rows": [flight(number) for number in range(33)]}
    assert "at most 32" in call.json("POST", "/predict?explain=true", many, status=400)["hint"]
    assert "explain is" in call.json("POST", "/predict?explain=perhaps", flight(), status=400)["error"]
