"""The binary tensor extension: a JSON document, then tensors as they lie in memory, little-endian, in listed order.

Specification: github.com/triton-inference-server/server, `docs/protocol/extension_binary_data.md`. The header
`Inference-Header-Content-Length` tells where the document ends; with 0 there is none, and the body is the one input
of a model that has one. NaN stands for a missing value: a float tensor has no other word for it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from noria.serving.contracts.datatypes import DATATYPES, FLOATS
from noria.serving.contracts.infer_json import Body, Tensor, asks_of
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.tensors import Infer, read_infer, show_infer
from noria.serving.json_body import decode, encode, kind_of
from noria.serving.model import BadPayload, PredictionRecord, Response
from noria.serving.rows import MOST_ROWS

HEADER = "inference-header-content-length"
OCTETS = "application/octet-stream"

_LITTLE = {
    "BOOL": "?", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
}  # fmt: skip
_decoder = msgspec.json.Decoder(Body)


def read(body: bytes, header: str, shape: Shape) -> Infer:
    """The rows of a body whose document is as long as the header says. Raises BadPayload."""
    if not header.isascii() or not header.isdecimal() or len(header) > 18 or int(header) > len(body):
        raise BadPayload(
            f"{HEADER} is {header[:40]!r} for a body of {len(body)} bytes", hint="give the bytes of its JSON document"
        )
    length = int(header)
    if length == 0:
        return _raw(body, shape)
    document = body[:length]
    try:
        asked = _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        decode(document)
        raise BadPayload(f"the document is none of an infer request: {error}") from None
    _fill(asked.inputs, memoryview(body)[length:])
    asks = asks_of(asked.inputs, shape)
    if asks is None or asked.outputs is not None or asked.parameters is not None:
        return read_infer(_plain(asked), shape)
    return Infer(asks, asked.id)


def show(infer: Infer, shape: Shape, records: Sequence[PredictionRecord]) -> Response:
    """The answer, with those outputs as bytes that were asked for so."""
    answer = show_infer(infer, shape, records)
    chunks: list[bytes] = []
    for output in answer["outputs"]:
        if output["name"] in infer.binary:
            chunk = _packed(output["datatype"], output.pop("data"))
            output["parameters"] = {"binary_data_size": len(chunk)}
            chunks.append(chunk)
    document = encode(answer)
    if not chunks:
        return Response(200, document)
    return Response(200, b"".join([document, *chunks]), OCTETS, {HEADER: str(len(document))})


def _plain(asked: Body) -> dict[str, Any]:
    inputs = [
        {"name": one.name, "datatype": one.datatype, "shape": one.shape, "data": one.data} for one in asked.inputs
    ]
    return {"id": asked.id, "inputs": inputs, "outputs": asked.outputs, "parameters": asked.parameters}


def _raw(body: bytes, shape: Shape) -> Infer:
    """A body that is nothing but the model's one input, of as many rows as there is room for."""
    if len(shape.positional) != 1:
        raise BadPayload(
            f"{HEADER} is 0, which is for models of one input; this one has {len(shape.positional)}",
            hint="send the JSON document before the tensors",
        )
    name = shape.positional[0]
    datatype = DATATYPES[shape.columns[name].dtype][0]
    values = _unpacked(name, datatype, memoryview(body))
    if len(values) > MOST_ROWS:
        raise BadPayload(f"the body has {len(values)} rows", hint=f"send at most {MOST_ROWS} at a time")
    both = {"parameters": {"binary_data_output": True}}
    return read_infer(
        {"inputs": [{"name": name, "datatype": datatype, "shape": [len(values)], "data": values}], **both}, shape
    )


def _fill(tensors: Sequence[Tensor], rest: memoryview) -> None:
    """Give every tensor whose bytes follow the document its values."""
    for tensor in tensors:
        size = (tensor.parameters or {}).get("binary_data_size")
        if size is None:
            continue
        if type(size) is not int or size < 0:
            what = repr(size)[:40] if type(size) is int else kind_of(size)
            raise BadPayload(f"binary_data_size of input {tensor.name[:80]!r} is {what}, not a number of bytes")
        if tensor.data is not None:
            raise BadPayload(f"input {tensor.name[:80]!r} has both data and binary_data_size", hint="give one of them")
        if size > len(rest):
            raise BadPayload(f"input {tensor.name[:80]!r} wants {size} bytes, but {len(rest)} are left")
        tensor.data = _unpacked(tensor.name, tensor.datatype, rest[:size])
        rest = rest[size:]
    if rest:
        raise BadPayload(f"{len(rest)} bytes follow the last tensor", hint="binary_data_size tells how many each has")


def _unpacked(name: str, datatype: str, data: memoryview) -> list[Any]:
    if datatype == "BYTES":
        return _texts(name, data)
    code = _LITTLE.get(datatype)
    if code is None:
        raise BadPayload(f"input {name[:80]!r} has datatype {datatype[:40]!r}", hint=f"there are {', '.join(_LITTLE)}")
    kind = np.dtype(code)
    if len(data) % kind.itemsize:
        raise BadPayload(f"{len(data)} bytes of input {name[:80]!r} are no whole number of {datatype}")
    if len(data) > MOST_ROWS * kind.itemsize:
        rows = len(data) // kind.itemsize
        raise BadPayload(f"input {name[:80]!r} has {rows} rows", hint=f"send at most {MOST_ROWS} at a time")
    if kind.kind == "b":
        return [bool(byte) for byte in data]
    values: list[Any] = np.frombuffer(data, kind).tolist()
    if datatype in FLOATS:
        return [None if math.isnan(value) else value for value in values]
    return values


def _texts(name: str, data: memoryview) -> list[Any]:
    """Elements of a length of four bytes and as many bytes of UTF-8."""
    texts: list[Any] = []
    at = 0
    while at < len(data):
        if len(texts) == MOST_ROWS:
            raise BadPayload(f"input {name[:80]!r} has too many rows", hint=f"send at most {MOST_ROWS} at a time")
        start = at + 4
        end = start + struct.unpack_from("<I", data, at)[0] if start <= len(data) else start
        if end > len(data):
            raise BadPayload(f"element {len(texts)} of input {name[:80]!r} ends behind the tensor")
        try:
            texts.append(str(data[start:end], "utf-8"))
        except UnicodeDecodeError:
            raise BadPayload(f"element {len(texts)} of input {name[:80]!r} is no UTF-8") from None
        at = end
    return texts


def _packed(datatype: str, values: Sequence[Any]) -> bytes:
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.asarray(values, _LITTLE[datatype]).tobytes()
