"""A question for every route that answers rows, made of a model's own columns; and the `curl` that asks it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from shlex import quote as in_shell
from typing import Any
from urllib.parse import quote

from noria.serving.contracts.datatypes import DATATYPES
from noria.serving.contracts.model import Contract, Route
from noria.serving.contracts.shape import Shape
from noria.serving.model import Request


def _row(shape: Shape) -> Any:
    return shape.example()


def _instances(shape: Shape) -> Any:
    return {"instances": [shape.example()]}


def _tensors(shape: Shape) -> Any:
    columns = shape.columns
    return {
        "inputs": [
            {"name": name, "datatype": _datatype(columns[name].dtype), "shape": [1], "data": [value]}
            for name, value in shape.example().items()
        ]
    }


def _datatype(dtype: Any) -> str:
    return "BYTES" if dtype == "time" else DATATYPES[dtype][0]  # the example writes a time as text


def _records(shape: Shape) -> Any:
    return {"dataframe_records": [shape.example()]}


def _data(shape: Shape) -> Any:
    return {"data": [shape.example()]}


def _ndarray(shape: Shape) -> Any:
    row = shape.example()
    return {"data": {"names": list(row), "ndarray": [list(row.values())]}}


def _examples(shape: Shape) -> Any:
    return {"examples": [shape.example()]}


_BODIES: Mapping[str, Callable[[Shape], Any]] = {
    "/predict": _row,
    "/v2/models/{model}/infer": _tensors,
    "/v1/models/{model}:predict": _instances,
    "/v1/models/{model}:regress": _examples,
    "/invocations": _records,
    "/endpoints/{endpoint}/invocations": _instances,
    "/models/{model}/invoke": _instances,
    "/predictions/{model}": _row,
    "/v1/projects/{project}/locations/{location}/endpoints/{endpoint}:predict": _instances,
    "/score": _data,
    "/api/v1.0/predictions": _ndarray,
}
_PARTS = {"project": "1", "location": "local", "namespace": "local"}
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:]{2,45}\](:[0-9]{1,5})?")


def example(route: Route, shape: Shape) -> Any:
    """A body that the route answers; None where none is known."""
    make = _BODIES.get(route.path) if route.method == "POST" else None
    return None if make is None else make(shape)


def curls(contracts: Iterable[Contract], shape: Shape, request: Request, alone: bool) -> dict[str, str]:
    """A command for each contract that asks a model; with the model in the query where the path has no place for it."""
    found: dict[str, str] = {}
    for contract in contracts:
        for route in contract.routes:
            body = example(route, shape)
            if body is None or contract.name in found:
                continue
            place = address(request) + _filled(route.path, shape.lineup.routing.model, alone)
            told = in_shell(json.dumps(body))
            found[contract.name] = f"curl {in_shell(place)} -H 'content-type: application/json' -d {told}"
    return found


def _filled(path: str, model: str, alone: bool) -> str:
    name = quote(model, safe="")
    filled = re.sub(r"\{([a-z_]+)\}", lambda part: _PARTS.get(part.group(1), name), path)
    return filled if alone or filled != path else f"{filled}?model={name}"


def address(request: Request) -> str:
    """Where the server is, as the caller called it."""
    host = request.headers.get("host", "")
    return f"http://{host}" if _HOST.fullmatch(host) else "http://127.0.0.1:8080"
