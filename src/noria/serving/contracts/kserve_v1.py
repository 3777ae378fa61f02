"""KServe's first protocol and TensorFlow Serving's REST interface, which share their paths: answers are their union.

Sources: kserve.github.io, "V1 protocol"; github.com/tensorflow/serving, `tensorflow_serving/g3doc/api_rest.md`.
The tokens NaN and Infinity may stand in a body; NaN is a missing value. A CloudEvent, in headers or in the body, is
answered as one.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from functools import partial
from typing import Any

from noria.core.clock import monotonic
from noria.serving.contracts.cloud_events import Event, event_of
from noria.serving.contracts.instances import as_list, asks_of, asks_of_columns, one_of
from noria.serving.contracts.model import Contract, House, NotOffered, Pending, Route, Show, Why
from noria.serving.contracts.open_inference import refuse
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.versions import lineup_of
from noria.serving.json_body import answer, as_object, kind_of
from noria.serving.lineup import Lineup
from noria.serving.manner import read_manner
from noria.serving.model import BadPayload, PredictionRecord, Request, Response
from noria.serving.rows import Ask

SIGNATURE = "serving_default"
_TF_TYPES = {"string": "DT_STRING", "int": "DT_INT64", "float": "DT_DOUBLE", "bool": "DT_BOOL", "time": "DT_INT64"}


def predict(house: House, request: Request, model: str, version: str | None = None) -> Pending:
    """`instances` (rows) make `predictions`, `inputs` (columns) make `outputs`."""
    started = monotonic()
    lineup = lineup_of(house.board, model, version)
    event = event_of(request)
    asks, show = _predicted(_plain(event.data, request), house.shape(lineup))
    return _told(house, request, lineup, asks, started, event, show)


def _predicted(body: Any, shape: Shape) -> tuple[list[Ask], Show]:
    body = as_object(body, "the body")
    _signature(body)
    given = one_of(body, ("instances", "inputs"))
    if given == "instances":
        return asks_of(body["instances"], shape), partial(_show, "predictions")
    return asks_of_columns(body["inputs"], shape), partial(_show, "outputs")


def _show(name: str, records: Sequence[PredictionRecord]) -> dict[str, Any]:
    return {name: [one.output for one in records]}


def _regress(house: House, request: Request, model: str, version: str | None = None) -> Pending:
    started = monotonic()
    lineup = lineup_of(house.board, model, version)
    return _exemplified(house, request, lineup, started, partial(_show, "result"))


def _classify(house: House, request: Request, model: str, version: str | None = None) -> Pending:
    """Pairs of a class and its probability; of models that tell two classes apart."""
    started = monotonic()
    lineup = lineup_of(house.board, model, version)
    if lineup.champion.package.task != "classification":
        raise NotOffered(f"{model!r} is no classifier", hint="ask :regress or :predict")
    return _exemplified(house, request, lineup, started, _show_classes)


def _exemplified(house: House, request: Request, lineup: Lineup, started: float, show: Show) -> Pending:
    event = event_of(request)
    asks = _examples(_plain(event.data, request), house.shape(lineup))
    return _told(house, request, lineup, asks, started, event, show)


def _show_classes(records: Sequence[PredictionRecord]) -> dict[str, Any]:
    return {"result": [[["0", 1.0 - one.output], ["1", one.output]] for one in records]}


def _examples(body: Any, shape: Shape) -> list[Ask]:
    """Rows of `examples`, each completed by what stands in `context`; a value may stand in a list of its own."""
    body = as_object(body, "the body")
    _signature(body)
    shared = as_object(body.get("context") or {}, "context")
    examples = [as_object(one, "an example") for one in as_list(body.get("examples"), "examples")]
    rows = [{name: _single(value) for name, value in {**shared, **one}.items()} for one in examples]
    return asks_of(rows, shape, "examples")


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _told(
    house: House, request: Request, lineup: Lineup, asks: Sequence[Ask], started: float, event: Event, show: Show
) -> Pending:
    return house.answer(lineup, asks, started, lambda records: event.reply(show(records)), read_manner(request))


def _signature(body: dict[str, Any]) -> None:
    name = body.get("signature_name", SIGNATURE)
    if name not in (SIGNATURE, ""):
        raise BadPayload(f"there is no signature {str(name)[:80]!r}", hint=f"there is {SIGNATURE}")


def _plain(body: Any, request: Request) -> Any:
    """The body without base64: most have none, and are not walked through."""
    return decoded(body) if b'"b64"' in request.body else body


def decoded(value: Any, depth: int = 5) -> Any:
    """The value with every `{"b64": ...}` in it turned into its text, as deep as rows go. Raises BadPayload."""
    if depth == 0:
        return value
    if isinstance(value, dict):
        if value.keys() == {"b64"}:
            return _text(value["b64"])
        return {name: decoded(one, depth - 1) for name, one in value.items()}
    return [decoded(one, depth - 1) for one in value] if isinstance(value, list) else value


def _text(encoded: Any) -> str:
    if not isinstance(encoded, str):
        raise BadPayload(f"b64 is {kind_of(encoded)}, not a string")
    try:
        return b64decode(encoded, validate=True).decode()
    except ValueError:
        raise BadPayload("b64 holds no base64 of UTF-8") from None


def _explain(house: House, request: Request, model: str, version: str | None = None) -> Pending:
    """Predictions, and beside them what each column contributed."""
    started = monotonic()
    lineup = lineup_of(house.board, model, version)
    event = event_of(request)
    asks, show = _predicted(_plain(event.data, request), house.shape(lineup))

    def told(records: Sequence[PredictionRecord], why: Sequence[Why]) -> Any:
        return event.reply({**show(records), "explanations": why})

    return house.explain(lineup, asks, started, told, read_manner(request))


def _models(house: House, _request: Request) -> Response:
    return answer({"models": house.board.models})


def _model(house: House, _request: Request, model: str, version: str | None = None) -> Response:
    """KServe's `ready` and TensorFlow Serving's states of versions, together."""
    lineup = lineup_of(house.board, model, version)
    status = {"error_code": "OK", "error_message": ""}
    versions = [{"version": str(loaded.number), "state": "AVAILABLE", "status": status} for loaded in lineup.versions]
    return answer({"name": model, "ready": True, "model_version_status": versions})


def _metadata(house: House, _request: Request, model: str, version: str | None = None) -> Response:
    lineup = lineup_of(house.board, model, version)
    shape = house.shape(lineup)
    inputs = {name: _tensor_info(name, _TF_TYPES[column.dtype]) for name, column in shape.columns.items()}
    outputs = {shape.label: _tensor_info(shape.label, "DT_DOUBLE")}
    signature = {"inputs": inputs, "outputs": outputs, "method_name": "tensorflow/serving/predict", "defaults": {}}
    spec = {"name": model, "signature_name": "", "version": str(lineup.champion.number)}
    definition = {"signature_def": {SIGNATURE: signature}}
    return answer({"model_spec": spec, "metadata": {"signature_def": definition}})


def _tensor_info(name: str, dtype: str) -> dict[str, Any]:
    return {
        "dtype": dtype,
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": f"{name}:0",
    }


_MODEL = "/v1/models/{model}"
_ONE = (_MODEL, f"{_MODEL}/versions/{{version}}", f"{_MODEL}/labels/{{version}}")

CONTRACT = Contract(
    "kserve-v1",
    "KServe v1 and TensorFlow Serving REST",
    (
        Route("GET", "/v1/models", _models, "names of the models"),
        *(
            route
            for base in _ONE
            for route in (
                Route("POST", f"{base}:predict", predict, "instances or inputs in", predicts=True),
                Route("POST", f"{base}:explain", _explain, "predictions, and why they are so", predicts=True),
                Route("POST", f"{base}:classify", _classify, "examples in, classes out", predicts=True),
                Route("POST", f"{base}:regress", _regress, "examples in, numbers out", predicts=True),
                Route("GET", base, _model, "whether a model is ready, and its versions"),
                Route("GET", f"{base}/metadata", _metadata, "the signature of a model"),
            )
        ),
    ),
    refuse,
    ("/v1/models",),
)
