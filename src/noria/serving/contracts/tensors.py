"""Tensors of the Open Inference Protocol, version 2: request columns in, predictions out. Every fault is told exactly.

Specification: github.com/kserve/open-inference-protocol, `specification/protocol/inference_rest.md`. Inputs are
the columns of the model's request source, one value a row (shape `[n]` or `[n, 1]`); features are looked up as
for `/predict`. An extra input `prediction_id` gives ids of the caller's; it is also an output. A null stands
for a missing value, which the protocol has no word for. Pure functions of parsed bodies; `infer_json` is the quick
way around them for what is as it should be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from noria.core.schema import Column
from noria.core.suggest import did_you_mean
from noria.serving.contracts.datatypes import DATATYPES, FLOATS, INTEGERS, PREDICTION_ID
from noria.serving.contracts.model import NotOffered
from noria.serving.contracts.shape import Shape
from noria.serving.json_body import as_object, kind_of
from noria.serving.manner import PLAIN, Manner, manner_of
from noria.serving.model import BadPayload, PredictionRecord
from noria.serving.rows import MOST_ROWS, Ask, read_id


class Infer(msgspec.Struct, frozen=True):
    """A request: its rows, the id to echo, which outputs are wanted (empty: all), which of them as bytes, and how."""

    asks: Sequence[Ask]
    id: str | None = None
    outputs: tuple[str, ...] = ()
    binary: frozenset[str] = frozenset()
    manner: Manner = PLAIN


def read_infer(body: Any, shape: Shape) -> Infer:
    """The rows of an infer request. Raises BadPayload for wrong names, datatypes, shapes or values."""
    body = as_object(body, "the body")
    request_id = body.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise BadPayload(f"id is {kind_of(request_id)}, not a string")
    columns = {PREDICTION_ID: Column(PREDICTION_ID, "string"), **shape.columns}
    tensors: dict[str, list[Any]] = {}
    for tensor in _list(body.get("inputs"), "inputs"):
        name, values = _tensor(as_object(tensor, "an input"), columns)
        if name in tensors:
            raise BadPayload(f"input {name!r} is given twice")
        tensors[name] = values
    wanted, binary = _wanted(body, shape)
    manner = manner_of(as_object(body.get("parameters") or {}, "parameters"))
    return Infer(_asks(tensors), request_id, wanted, binary, manner)


def show_infer(infer: Infer, shape: Shape, records: Sequence[PredictionRecord]) -> dict[str, Any]:
    """The answer. `model_version` is there when one version answered all rows, as outside a rollout it does."""
    rows = [len(records)]
    outputs = [
        {"name": shape.label, "datatype": "FP64", "shape": rows, "data": [one.output for one in records]},
        {"name": PREDICTION_ID, "datatype": "BYTES", "shape": rows, "data": [one.prediction_id for one in records]},
    ]
    answer: dict[str, Any] = {"model_name": shape.lineup.routing.model}
    versions = {one.version for one in records}
    if len(versions) == 1:
        answer["model_version"] = str(versions.pop())
    if infer.id is not None:
        answer["id"] = infer.id
    wanted = infer.outputs
    answer["outputs"] = [one for one in outputs if one["name"] in wanted] if wanted else outputs
    return answer


def _tensor(tensor: dict[str, Any], columns: Mapping[str, Column]) -> tuple[str, list[Any]]:
    name = tensor.get("name")
    if not isinstance(name, str):
        raise BadPayload(f"the name of an input is {kind_of(name)}, not a string")
    if name not in columns:
        raise BadPayload(
            f"there is no input {name[:80]!r}; there are: {', '.join(columns)}", hint=did_you_mean(name[:80], columns)
        )
    datatype = tensor.get("datatype")
    allowed = DATATYPES[columns[name].dtype]
    if datatype not in allowed:
        raise BadPayload(f"input {name!r} has datatype {str(datatype)[:40]!r}", hint=f"it takes {', '.join(allowed)}")
    rows = _rows(name, tensor.get("shape"))
    values = _flat(name, tensor.get("data"))
    if len(values) != rows:
        raise BadPayload(f"input {name!r} has {len(values)} values, but its shape says {rows}")
    for value in values:
        _check(name, datatype, value)
    return name, values


def _rows(name: str, shape: Any) -> int:
    whole = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
    if not whole or len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        raise BadPayload(
            f"input {name!r} has shape {str(shape)[:40]}", hint="a column of n rows has shape [n] or [n, 1]"
        )
    if shape[0] > MOST_ROWS:
        raise BadPayload(f"input {name!r} has {shape[0]} rows", hint=f"send at most {MOST_ROWS} at a time")
    return int(shape[0])


def _flat(name: str, data: Any) -> list[Any]:
    """Row-major data, flat or nested as the shape is."""
    values = _list(data, f"data of input {name!r}")
    if not any(isinstance(value, list) for value in values):
        return values
    if not all(isinstance(value, list) and len(value) == 1 for value in values):
        raise BadPayload(f"data of input {name!r} is nested otherwise than the shape [n, 1]")
    return [value[0] for value in values]


def _check(name: str, datatype: str, value: Any) -> None:
    if value is None:
        return
    kind = type(value)
    if datatype in INTEGERS:
        low, high = INTEGERS[datatype]
        if kind is not int or not low <= value <= high:
            _misfit(name, datatype, value)
    elif datatype in FLOATS:
        if kind is not float and kind is not int:
            _misfit(name, datatype, value)
    elif kind is not (bool if datatype == "BOOL" else str):
        _misfit(name, datatype, value)


def _misfit(name: str, datatype: str, value: Any) -> NoReturn:
    raise BadPayload(f"input {name!r} holds {str(value)[:40]!r}, which is no {datatype}")


def _asks(tensors: dict[str, list[Any]]) -> tuple[Ask, ...]:
    if not tensors:
        raise BadPayload("inputs is empty", hint="GET /v2/models/NAME lists the inputs")
    lengths = {name: len(values) for name, values in tensors.items()}
    if len(set(lengths.values())) > 1:
        raise BadPayload(f"the inputs differ in their number of rows: {lengths}")
    ids = tensors.pop(PREDICTION_ID, None)
    names = list(tensors)
    count = next(iter(lengths.values()), 0)
    rows = zip(*tensors.values(), strict=True) if names else iter([()] * count)
    found = [dict(zip(names, row, strict=True)) for row in rows]
    chosen = [None if one is None else read_id(one) for one in ids or [None] * count]
    return tuple(Ask(row, one) for row, one in zip(found, chosen, strict=True))


def _wanted(body: dict[str, Any], shape: Shape) -> tuple[tuple[str, ...], frozenset[str]]:
    """Which outputs, and which of them as bytes: what an output says of itself, else what the request says."""
    known = (shape.label, PREDICTION_ID)
    default = _flag(body, "binary_data_output", False)
    outputs = body.get("outputs")
    if outputs is None:
        return (), frozenset(known if default else ())
    wanted, binary = [], []
    for output in _list(outputs, "outputs"):
        output = as_object(output, "an output")
        name = output.get("name")
        if name not in known:
            raise BadPayload(f"there is no output {str(name)[:80]!r}; there are: {', '.join(known)}")
        if "classification" in as_object(output.get("parameters") or {}, "parameters"):
            raise NotOffered("outputs are not turned into classes here", hint="leave the parameter classification out")
        wanted.append(name)
        if _flag(output, "binary_data", default):
            binary.append(name)
    return tuple(wanted), frozenset(binary if wanted else known if default else ())


def _flag(holder: dict[str, Any], name: str, default: bool) -> bool:
    parameters = holder.get("parameters")
    if parameters is None:
        return default
    value = as_object(parameters, "parameters").get(name, default)
    if not isinstance(value, bool):
        raise BadPayload(f"the parameter {name} is {kind_of(value)}, not a boolean")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadPayload(f"{what} is {kind_of(value)}, not an array")
    return value
