"""An infer request in JSON, quickly: what is as it should be is read in one pass, all else goes the exact way.

The exact way (`tensors.read_infer`) tells every fault; this one only ever says "as it should be" or "ask the other".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from noria.serving.contracts.datatypes import PREDICTION_ID, Fits
from noria.serving.contracts.layouts import Layout
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.tensors import Infer, read_infer
from noria.serving.json_body import decode
from noria.serving.rows import LONGEST_ID, MOST_ROWS, Ask


class Tensor(msgspec.Struct, gc=False):
    """An input as it was sent; `data` is None where its bytes follow the document."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class Body(msgspec.Struct):
    """A request as it was sent."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Any] | None = None
    parameters: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(Body)
_ONE, _ONE_BY_ONE = [1], [1, 1]


def read(body: bytes, shape: Shape) -> Infer:
    """The rows of an infer request. Raises BadPayload for wrong names, datatypes, shapes or values."""
    known = shape.skeletons.read(body)
    if known is not None:
        ask = _ask_of(*known)
        if ask is not None:
            return Infer(ask)
    try:
        asked = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        asked = None
    if asked is not None and asked.outputs is None and asked.parameters is None:
        asks = asks_of(asked.inputs, shape)
        if asks is not None:
            if len(asks) == 1 and known is None and asked.id is None:
                _learn(body, asked.inputs, shape)
            return Infer(asks, asked.id)
    return read_infer(decode(body), shape)


def _learn(body: bytes, tensors: Sequence[Tensor], shape: Shape) -> None:
    layout = _layout(tensors, shape)
    if layout is not None and not any(one.parameters for one in tensors):
        shape.skeletons.learn(body, layout, [value for one in tensors for value in one.data or []])


def asks_of(tensors: Sequence[Tensor], shape: Shape) -> list[Ask] | None:
    """The rows of tensors; None when anything about them is odd."""
    if not tensors:
        return None
    if tensors[0].shape in (_ONE, _ONE_BY_ONE):
        return _one(tensors, shape)
    return _many(tensors, shape.tensors)


def _one(tensors: Sequence[Tensor], shape: Shape) -> list[Ask] | None:
    layout = _layout(tensors, shape)
    sizes = [one.shape for one in tensors]
    if layout is None or sizes.count(_ONE) + sizes.count(_ONE_BY_ONE) != len(sizes):
        return None
    try:
        values = [value for (value,) in [one.data or [] for one in tensors]]
    except ValueError:
        return None
    return _ask_of(layout, values) if layout.fits(values) else None


def _layout(tensors: Sequence[Tensor], shape: Shape) -> Layout | None:
    return shape.layouts.of([one.name for one in tensors], [one.datatype for one in tensors])


def _ask_of(layout: Layout, values: Sequence[Any]) -> list[Ask] | None:
    row = dict(zip(layout.names, values, strict=True))
    if not layout.chooses:
        return [Ask(row)]
    chosen = row.pop(PREDICTION_ID)
    return [Ask(row, chosen)] if _is_id(chosen) else None


def _many(tensors: Sequence[Tensor], fitting: dict[str, dict[str, Fits]]) -> list[Ask] | None:
    columns: dict[str, list[Any]] = {}
    rows = len(tensors[0].data or ())
    if not 0 < rows <= MOST_ROWS:
        return None
    for tensor in tensors:
        data, fits = tensor.data, fitting.get(tensor.name, {}).get(tensor.datatype)
        if fits is None or data is None or len(data) != rows or tensor.shape not in ([rows], [rows, 1]):
            return None
        if not fits[0].issuperset(map(type, data)):
            return None
        if int in fits[0] and not all(value is None or fits[1] <= value <= fits[2] for value in data):
            return None
        columns[tensor.name] = data
    if len(columns) != len(tensors):
        return None
    ids = columns.pop(PREDICTION_ID, None)
    names = list(columns)
    if not names:
        return None
    found = (dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True))
    if ids is None:
        return [Ask(row) for row in found]
    if not all(map(_is_id, ids)):
        return None
    return [Ask(row, chosen) for row, chosen in zip(found, ids, strict=True)]


def _is_id(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= LONGEST_ID
