"""The binary tensor extension: bytes in and out, and whatever lies about its size."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import MODEL, flight
from ways import V2, packed

from noria.core.schema import Column
from noria.serving.contracts import infer_binary
from noria.serving.contracts.infer_binary import HEADER
from noria.serving.contracts.shape import Shape
from noria.serving.model import BadPayload

PATH = f"{V2}/infer"
ROWS = [flight(1, tailnum="N1"), flight(2, tailnum="N2")]


def send(call, document: bytes, tensors: bytes, length: object = None, status: int = 200):
    response = call("POST", PATH, document + tensors, **{HEADER: str(len(document)) if length is None else str(length)})
    assert response.status == status, response.body
    return response


def test_bytes_in_are_answered_as_rows_are_and_bytes_come_out_when_asked_for(call) -> None:
    ours = [one["output"] for one in call.predict(*ROWS)]
    document, tensors = packed(ROWS)
    assert json.loads(send(call, document, tensors).body)["outputs"][0]["data"] == ours
    asked = json.dumps({**json.loads(document), "id": "5", "parameters": {"binary_data_output": True}}).encode()
    response = send(call, asked, tensors)
    length = int(response.headers[HEADER])
    told = json.loads(response.body[:length])
    assert (response.content_type, told["id"]) == ("application/octet-stream", "5")
    late, ids = told["outputs"]
    size = late["parameters"]["binary_data_size"]
    assert np.frombuffer(response.body[length : length + size], "<f8").tolist() == ours
    rest = response.body[length + size :]
    assert len(rest) == ids["parameters"]["binary_data_size"]
    first = struct.unpack_from("<I", rest)[0]
    assert call.plane.log.find(rest[4 : 4 + first].decode()).key == "UA1"


def test_each_output_says_for_itself(call) -> None:
    document, tensors = packed(ROWS)
    outputs = [{"name": "late", "parameters": {"binary_data": False}}, {"name": "prediction_id"}]
    asked = {**json.loads(document), "outputs": outputs, "parameters": {"binary_data_output": True}}
    response = send(call, json.dumps(asked).encode(), tensors)
    told = json.loads(response.body[: int(response.headers[HEADER])])
    assert "data" in told["outputs"][0] and "data" not in told["outputs"][1]


def test_all_number_types_and_both_ways_in_one_request(call) -> None:
    row = flight(1, distance=187.0)
    ours = call.predict(row)[0]["output"]
    for datatype, kind in (("FP16", "<f2"), ("FP32", "<f4"), ("INT16", "<i2"), ("UINT64", "<u8")):
        chunk = np.array([187], kind).tobytes()
        inputs = [
            {"name": name, "datatype": "BYTES", "shape": [1], "data": [value]}
            for name, value in row.items()
            if name != "distance"
        ]
        size = {"binary_data_size": len(chunk)}
        inputs.insert(2, {"name": "distance", "datatype": datatype, "shape": [1], "parameters": size})
        told = json.loads(send(call, json.dumps({"inputs": inputs}).encode(), chunk).body)
        assert told["outputs"][0]["data"] == [ours]


def changed(**changes: object) -> tuple[bytes, bytes]:
    """A request whose tensor `distance`, its last, is changed."""
    document, tensors = packed([{name: value for name, value in ROWS[0].items() if name != "distance"}])
    size = {"binary_data_size": 8}
    distance = {"name": "distance", "datatype": "FP64", "shape": [1], "parameters": size, **changes}
    asked = json.loads(document)
    asked["inputs"].append(distance)
    return json.dumps(asked).encode(), tensors + struct.pack("<d", 3.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parameters": {"binary_data_size": 9}}, "8 are left"),
        ({"parameters": {"binary_data_size": 7}}, "whole number"),
        ({"parameters": {"binary_data_size": -8}}, "number of bytes"),
        ({"parameters": {"binary_data_size": "8"}}, "number of bytes"),
        ({"parameters": {"binary_data_size": True}}, "number of bytes"),
        ({"parameters": {"binary_data_size": 2**70}}, "8 are left"),
        ({"parameters": {"binary_data_size": 0}}, "follow"),
        ({"parameters": {}}, "follow"),
        ({"shape": [2]}, "1 values"),
        ({"shape": [2**40]}, "at most"),
        ({"shape": [-1]}, "shape"),
        ({"shape": "1"}, "shape"),
        ({"datatype": "FP32"}, "2 values"),
        ({"datatype": "BYTES"}, "behind"),
        ({"datatype": "BF16"}, "BF16"),
        ({"datatype": "BOOL"}, "BOOL"),
        ({"data": [1.0]}, "both"),
        ({"name": "distanc"}, "distanc"),
        ({"name": "origin"}, "origin"),
    ],
)
def test_tensors_that_lie_are_refused(call, changes: dict, words: str) -> None:
    refusal = json.loads(send(call, *changed(**changes), status=400).body)
    assert words in refusal["error"]


@pytest.mark.parametrize("length", ["-1", "1e3", "", "٣", "99999999", "9" * 40, "0x10", "1.0"])
def test_a_header_that_lies_is_refused(call, length: str) -> None:
    assert HEADER in json.loads(send(call, *packed(ROWS), length=length, status=400).body)["error"]


def test_nan_is_a_missing_value_and_infinity_is_none(call) -> None:
    for value in (float("nan"), float("inf"), float("-inf")):
        document, tensors = changed()
        refusal = json.loads(send(call, document, tensors[:-8] + struct.pack("<d", value), status=400).body)
        assert "distance" in refusal["error"]


def test_a_body_without_a_document_is_for_models_of_one_input(call) -> None:
    refusal = json.loads(send(call, b"", b"\0" * 8, length=0, status=400).body)
    assert "one input" in refusal["error"]
    lineup = call.plane.board.lineup(MODEL)
    shape = Shape(lineup)
    shape.__dict__["columns"] = {"x": Column("x", "float")}
    asked = infer_binary.read(struct.pack("<3d", 1.0, 2.0, 4.0), "0", shape)
    assert [ask.row for ask in asked.asks] == [{"x": 1.0}, {"x": 2.0}, {"x": 4.0}]
    assert asked.binary == {"late", "prediction_id"}
    with pytest.raises(BadPayload, match="whole number"):
        infer_binary.read(b"123", "0", shape)


@given(length=st.integers(0, 400), cut=st.integers(0, 400), flip=st.integers(0, 2000), noise=st.binary(max_size=20))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_is_answered_or_refused(call, length: int, cut: int, flip: int, noise: bytes) -> None:
    document, tensors = packed(ROWS)
    body = bytearray(document + tensors)
    body[flip % len(body)] ^= 1 << flip % 8
    sent = bytes(body[: len(body) - cut]) + noise
    for announced in (length, len(document)):
        assert call("POST", PATH, sent, **{HEADER: str(announced)}).status in (200, 400, 501)
