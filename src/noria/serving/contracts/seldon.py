"""Seldon Core's first protocol: `data.ndarray`, `data.tensor` or `jsonData` in, predictions of the same kind out.

Source: docs.seldon.io, Seldon Core 1, "External prediction API" and `proto/prediction.proto`. Rows are lists in the
order of `data.names`, else in the model's own. Explanations have the fields of Alibi's TreeShap. A refusal is
`{"status": {"code", "info", "reason", "status"}}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from noria.core.clock import monotonic
from noria.core.errors import NoriaError
from noria.serving.contracts.instances import as_list, asks_of, asks_of_split, one_of
from noria.serving.contracts.model import Contract, House, NotOffered, Pending, Route, Why
from noria.serving.contracts.shape import Shape
from noria.serving.json_body import answer, as_object, decode_with_nan, refusal
from noria.serving.manner import read_manner
from noria.serving.model import BadPayload, PredictionRecord, Request, Response
from noria.serving.rows import Ask, few_enough


def refuse(error: NoriaError) -> Response:
    """A status object that says FAILURE."""
    told = refusal(error)
    info = f"{error.message} ({error.hint})" if error.hint else error.message
    status = {"code": told.status, "info": info, "reason": error.code, "status": "FAILURE"}
    return Response(told.status, answer({"status": status}).body, headers=told.headers)


def predict(house: House, request: Request) -> Pending:
    """Rows for the only model, or the one that `?model=` names."""
    return _predict(house, request, house.only_model(request))


def _predict_deployment(house: House, request: Request, _namespace: str, deployment: str) -> Pending:
    return _predict(house, request, deployment)


def _explain(house: House, request: Request) -> Pending:
    """What each column contributed, as Alibi's explanations of trees tell it."""
    return _explained(house, request, house.only_model(request))


def _explain_deployment(house: House, request: Request, _namespace: str, deployment: str, *_predictor: str) -> Pending:
    name = deployment if deployment in house.board.models else deployment.removesuffix("-explainer")
    return _explained(house, request, name)


def _explained(house: House, request: Request, model: str) -> Pending:
    started = monotonic()
    lineup = house.board.lineup(model)
    asks, _ = _read(as_object(decode_with_nan(request.body), "the body"), house.shape(lineup))
    return house.explain(lineup, asks, started, _show_shares, read_manner(request))


def _show_shares(records: Sequence[PredictionRecord], why: Sequence[Why]) -> dict[str, Any]:
    found = [one for one in why if one is not None]
    if len(found) < len(records):
        raise NotOffered("not all of these can be explained", hint="graphs, and versions that went, cannot")
    kinds = sorted({"TreeShap" if one["method"] == "trees" else "SamplingShap" for one in found})
    return {
        "meta": {"name": "+".join(kinds), "explanations": ["local"], "params": {"link": found[0]["scale"]}},
        "data": {
            "feature_names": list(found[0]["contributions"]),
            "expected_value": [one["base"] for one in found],
            "shap_values": [list(one["contributions"].values()) for one in found],
            "raw": {"raw_prediction": [one["total"] for one in found], "prediction": [one.output for one in records]},
        },
    }


def _predict(house: House, request: Request, model: str) -> Pending:
    started = monotonic()
    lineup = house.board.lineup(model)
    shape = house.shape(lineup)
    body = as_object(decode_with_nan(request.body), "the body")
    meta = as_object(body.get("meta") or {}, "meta")
    asks, kind = _read(body, shape)

    def show(records: Sequence[PredictionRecord]) -> dict[str, Any]:
        told: dict[str, Any] = {"requestPath": {shape.lineup.routing.model: f"noria:{records[0].version}"}}
        if isinstance(meta.get("puid"), str):
            told["puid"] = meta["puid"]
        outputs = [one.output for one in records]
        if kind == "jsonData":
            return {"jsonData": outputs, "meta": told}
        if kind == "tensor":
            data: dict[str, Any] = {"tensor": {"shape": [len(outputs), 1], "values": outputs}}
        else:
            data = {"ndarray": [[output] for output in outputs]}
        return {"data": {"names": [shape.label], **data}, "meta": told}

    return house.answer(lineup, asks, started, show, read_manner(request))


def _read(body: dict[str, Any], shape: Shape) -> tuple[list[Ask], str]:
    given = one_of(body, ("data", "jsonData", "strData", "binData"))
    if given in ("strData", "binData"):
        raise NotOffered(f"{given} holds no rows", hint="send data.ndarray, data.tensor or jsonData")
    if given == "jsonData":
        value = body[given]
        return asks_of(value if isinstance(value, list) else [value], shape, given), given
    data = as_object(body["data"], "data")
    kind = one_of(data, ("ndarray", "tensor"))
    names = data.get("names") or None
    rows = _rows(as_object(data[kind], kind)) if kind == "tensor" else data[kind]
    return asks_of_split(names, rows, shape, f"data.{kind}"), kind


def _rows(tensor: dict[str, Any]) -> list[list[Any]]:
    """Row-major values, cut into rows. Raises BadPayload when the shape is no matrix of just so many."""
    shape, values = as_list(tensor.get("shape"), "tensor.shape"), as_list(tensor.get("values"), "tensor.values")
    whole = len(shape) == 2 and all(type(size) is int and size > 0 for size in shape)
    if not whole or shape[0] * shape[1] != len(values):
        raise BadPayload(f"tensor.shape {str(shape)[:60]} does not fit {len(values)} values")
    rows, columns = shape
    few_enough(range(rows))
    return [values[columns * row : columns * (row + 1)] for row in range(rows)]


def _feedback(_house: House, _request: Request) -> Response:
    raise NotOffered("rewards are not taken here", hint="POST /feedback takes labels and outcomes by prediction id")


_DEPLOYMENT = "/seldon/{namespace}/{deployment}"

CONTRACT = Contract(
    "seldon-v1",
    "Seldon Core v1",
    (
        *(
            Route("POST", f"/api/{version}/predictions", predict, "ndarray, tensor or jsonData", predicts=True)
            for version in ("v1.0", "v0.1")
        ),
        *(
            Route("POST", f"{_DEPLOYMENT}/api/{version}/predictions", _predict_deployment, "by model", predicts=True)
            for version in ("v1.0", "v0.1")
        ),
        Route("POST", "/api/v1.0/explain", _explain, "what each column contributed", predicts=True),
        *(
            Route("POST", f"{base}/api/v1.0/explain", _explain_deployment, "the same by model", predicts=True)
            for base in (_DEPLOYMENT, f"{_DEPLOYMENT}/{{predictor}}")
        ),
        Route("POST", "/api/v1.0/feedback", _feedback),
    ),
    refuse,
    ("/api/v1.0", "/api/v0.1", "/seldon"),
)
