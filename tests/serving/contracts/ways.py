"""Ways to ask by every route that answers rows: the body that rows become, where the numbers are in the answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tiny_airline import MODEL

Row = dict[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True)
class Way:
    """How one contract is asked for rows."""

    contract: str
    what: str
    path: str
    body: Callable[[Rows], Any]
    numbers: Callable[[Any], list[float]]
    refused: Callable[[Any], str]
    """Where a refusal's message is."""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 400
    """That a row which does not fit is refused with."""


def lists(rows: Rows) -> list[list[Any]]:
    return [list(row.values()) for row in rows]


def columns(rows: Rows) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in rows[0]}


def frame(rows: Rows) -> dict[str, Any]:
    return {"columns": list(rows[0]), "index": list(range(len(rows))), "data": lists(rows)}


def tensors(rows: Rows) -> dict[str, Any]:
    return {
        "inputs": [
            {"name": name, "datatype": "FP64" if name == "distance" else "BYTES", "shape": [len(rows)], "data": values}
            for name, values in columns(rows).items()
        ]
    }


def packed(rows: Rows) -> tuple[bytes, bytes]:
    """The document of a request whose tensors follow it, and these."""
    chunks, inputs = [], []
    for name, values in columns(rows).items():
        if name == "distance":
            datatype, chunk = "FP64", np.array(values, "<f8").tobytes()
        else:
            texts = [str(value).encode() for value in values]
            datatype, chunk = "BYTES", b"".join(len(text).to_bytes(4, "little") + text for text in texts)
        chunks.append(chunk)
        size = {"binary_data_size": len(chunk)}
        inputs.append({"name": name, "datatype": datatype, "shape": [len(values)], "parameters": size})
    return json.dumps({"inputs": inputs}).encode(), b"".join(chunks)


def csv(rows: Rows) -> bytes:
    lines = [
        ",".join(rows[0]),
        *(",".join("" if value is None else str(value) for value in one) for one in lists(rows)),
    ]
    return "\n".join(lines).encode()


def in_base64(rows: Rows) -> list[Row]:
    return [
        {
            name: {"b64": base64.b64encode(value.encode()).decode()} if isinstance(value, str) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _error(told: Any) -> str:
    return told["error"]


def _message(told: Any) -> str:
    return told["message"]


def _predictions(told: Any) -> list[float]:
    return told["predictions"]


V1, V2 = f"/v1/models/{MODEL}", f"/v2/models/{MODEL}"
VERTEX = f"/v1/projects/1/locations/here/endpoints/{MODEL}"
CSV = {"content-type": "text/csv"}
LINES = {"content-type": "application/jsonlines"}


def v2(what: str, path: str, body: Callable[[Rows], Any] = tensors) -> Way:
    return Way("open-inference", what, path, body, lambda told: told["outputs"][0]["data"], _error)


def v1(what: str, path: str, body: Callable[[Rows], Any], key: str = "predictions") -> Way:
    return Way("kserve-v1", what, path, body, lambda told: told[key], _error)


def invoked(what: str, body: Callable[[Rows], Any], **more: Any) -> Way:
    return Way("invocations", what, "/invocations", body, _predictions, _message, **more)


def served(what: str, body: Callable[[Rows], Any], numbers: Any = _predictions, path: str = "", **more: Any) -> Way:
    return Way("torchserve", what, path or f"/predictions/{MODEL}", body, numbers, _message, **more)


def seldon(what: str, body: Callable[[Rows], Any], numbers: Any, path: str = "/api/v1.0/predictions") -> Way:
    return Way("seldon-v1", what, path, body, numbers, lambda told: told["status"]["info"])


def _flat(rows: Rows) -> list[Any]:
    return [value for row in lists(rows) for value in row]


WAYS = (
    v2("tensors", f"{V2}/infer"),
    v2("tensors of a version", f"{V2}/versions/1/infer"),
    v1("instances, objects", f"{V1}:predict", lambda rows: {"instances": list(rows)}),
    v1("instances, lists", f"{V1}:predict", lambda rows: {"instances": lists(rows)}),
    v1("instances, base64", f"{V1}:predict", lambda rows: {"instances": in_base64(rows)}),
    v1("inputs", f"{V1}/versions/1:predict", lambda rows: {"inputs": columns(rows)}, "outputs"),
    v1("regress", f"{V1}/labels/champion:regress", lambda rows: {"examples": list(rows)}, "result"),
    invoked("dataframe_split", lambda rows: {"dataframe_split": frame(rows)}),
    invoked("dataframe_records", lambda rows: {"dataframe_records": list(rows)}),
    invoked("instances", lambda rows: {"instances": lists(rows)}),
    invoked("inputs", lambda rows: {"inputs": columns(rows)}),
    invoked("CSV", csv, headers=CSV),
    invoked("lines", lambda rows: "\n".join(map(json.dumps, rows)).encode(), headers=LINES),
    Way(
        "invocations", "tensors", "/invocations", tensors, lambda told: told["outputs"][0]["data"], _message
    ),
    Way(
        "sagemaker-runtime", "instances", f"/endpoints/{MODEL}/invocations", lambda rows: {"instances": list(rows)},
        _predictions, lambda told: told["Message"], status=424,
    ),
    Way(
        "sagemaker-multi-model", "instances", f"/models/{MODEL}/invoke", lambda rows: {"instances": list(rows)},
        _predictions, _message,
    ),
    served("rows", lambda rows: list(rows), lambda told: told),
    served("rows for a version", lists, lambda told: told, f"/predictions/{MODEL}/1"),
    served("instances", lambda rows: {"instances": list(rows)}),
    Way(
        "vertex", "instances", f"{VERTEX}:predict", lambda rows: {"instances": list(rows)}, _predictions,
        lambda told: told["error"]["message"],
    ),
    Way(
        "vertex", "raw", f"{VERTEX}:rawPredict", lambda rows: {"instances": list(rows)}, _predictions,
        lambda told: told["error"]["message"],
    ),
    Way("azure-ml", "data", "/score", lambda rows: {"data": list(rows)}, lambda told: told, _message),
    Way("azure-ml", "input_data", "/score", lambda rows: {"input_data": frame(rows)}, lambda told: told, _message),
    seldon(
        "ndarray", lambda rows: {"data": {"names": list(rows[0]), "ndarray": lists(rows)}},
        lambda told: [one for (one,) in told["data"]["ndarray"]],
    ),
    seldon(
        "tensor", lambda rows: {"data": {"tensor": {"shape": [len(rows), len(rows[0])], "values": _flat(rows)}}},
        lambda told: told["data"]["tensor"]["values"], f"/seldon/here/{MODEL}/api/v0.1/predictions",
    ),
    seldon("jsonData", lambda rows: {"jsonData": list(rows)}, lambda told: told["jsonData"]),
    Way(
        "noria", "rows", "/predict", lambda rows: {"rows": list(rows)},
        lambda told: [one["output"] for one in told["predictions"]], _error,
    ),
)  # fmt: skip
