"""Requests of the gRPC contracts, as bytes or as fields of messages."""

from __future__ import annotations

import struct

from tiny_airline import MODEL, flight

from noria.serving.grpc.messages import Messages

MESSAGES = Messages()
INFER = "/inference.GRPCInferenceService/ModelInfer"
ROW = {name: value for name, value in flight(4).items() if value is not None}


def raw(name: str, value: object) -> tuple[dict, bytes]:
    text = isinstance(value, str)
    data = struct.pack("<I", len(value)) + value.encode() if text else struct.pack("<d", value)
    return {"name": name, "datatype": "BYTES" if text else "FP64", "shape": [1]}, data


def infer(row: dict, **more: object) -> dict:
    tensors = [raw(name, value) for name, value in row.items()]
    inputs, contents = [one for one, _ in tensors], [data for _, data in tensors]
    return {"model_name": MODEL, "inputs": inputs, "raw_input_contents": contents, **more}
