"""TorchServe's inference API, and of its management API what reads: predictions by model and version.

Sources: github.com/pytorch/serve, `docs/inference_api.md` and `docs/management_api.md`. A body is a row (answered by a
number), an array of rows (an array), `instances` or tensors; or it stands in the field `data` of a form.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs

from noria.core.clock import monotonic
from noria.core.errors import BadInput, Conflict, NoriaError, Unavailable
from noria.serving.contracts import bodies
from noria.serving.contracts.model import Contract, House, NotPermitted, Pending, Route, UnknownVersion, Why
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.versions import lineup_of
from noria.serving.json_body import answer, decode_with_nan, refusal
from noria.serving.lineup import Loaded
from noria.serving.manner import read_manner
from noria.serving.model import BadPayload, PredictionRecord, Request, Response, UnknownModel, UnknownPath, WrongMethod

_FIELDS = ("data", "body")
_FORMS = {"instances", "inputs", "dataframe_split", "dataframe_records"}
_FORM = "multipart/form-data"
_KINDS: tuple[tuple[type[NoriaError], str], ...] = (
    (UnknownModel, "ModelNotFoundException"),
    (UnknownVersion, "ModelVersionNotFoundException"),
    (UnknownPath, "ResourceNotFoundException"),
    (WrongMethod, "MethodNotAllowedException"),
    (NotPermitted, "MethodNotAllowedException"),
    (BadInput, "BadRequestException"),
    (Conflict, "ConflictStatusException"),
    (Unavailable, "ServiceUnavailableException"),
)


def refuse(error: NoriaError) -> Response:
    """`{"code", "type", "message"}`."""
    told = refusal(error)
    kind = next((name for known, name in _KINDS if isinstance(error, known)), "InternalServerException")
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    body = {"code": told.status, "type": kind, "message": message}
    return Response(told.status, answer(body).body, headers=told.headers)


def predict(house: House, request: Request, model: str, version: str | None = None) -> Pending:
    """A row, rows, `instances`, tensors; bare or in a form."""
    started = monotonic()
    lineup = lineup_of(house.board, model, version)
    question = _read(request, house.shape(lineup))
    return house.answer(lineup, question.asks, started, question.show, read_manner(request, question.manner))


def _read(request: Request, shape: Shape) -> bodies.Question:
    request = _out_of_form(request)
    media = bodies.media_type(request.headers.get("content-type", ""))[0]
    body = None if media in (bodies.CSV, bodies.LINES) else decode_with_nan(request.body)
    if not isinstance(body, list) and not (isinstance(body, dict) and not body.keys() & _FORMS):
        return bodies.read(request, shape)
    asks, single = bodies.row_or_rows(body, shape)
    return bodies.Question(asks, _output if single else _outputs)


def _output(records: Sequence[PredictionRecord]) -> float:
    return records[0].output


def _outputs(records: Sequence[PredictionRecord]) -> list[float]:
    return [one.output for one in records]


def _out_of_form(request: Request) -> Request:
    """The request whose body is the form's field. Raises BadPayload when the form has none of the known ones."""
    content = request.headers.get("content-type", "")
    if bodies.media_type(content)[0] != _FORM:
        return request
    head = f"content-type: {content}\r\n\r\n".encode("latin-1", "replace")
    form = BytesParser(policy=HTTP).parsebytes(head + request.body)
    for part in form.iter_parts() if form.is_multipart() else ():
        if part.get_param("name", header="content-disposition") in _FIELDS:
            data = part.get_payload(decode=True)
            if isinstance(data, bytes):
                return Request(request.method, request.path, {}, data, request.query)
    raise BadPayload("the form has no field data", hint="curl -F data=@row.json")


def _explanations(house: House, request: Request, model: str) -> Pending:
    """What each column contributed: an object for a row, an array for several."""
    started = monotonic()
    lineup = lineup_of(house.board, model)
    question = _read(request, house.shape(lineup))

    def show(_records: Sequence[PredictionRecord], why: Sequence[Why]) -> Any:
        return why[0] if question.show is _output else list(why)

    return house.explain(lineup, question.asks, started, show, read_manner(request, question.manner))


def _list(house: House, request: Request) -> Response:
    """Names of models, a page at a time."""
    asked = parse_qs(request.query)
    limit, start = (_whole(asked, name, default) for name, default in (("limit", 100), ("next_page_token", 0)))
    models = house.board.models
    found: dict[str, Any] = {
        "models": [{"modelName": model, "modelUrl": _url(model)} for model in models[start : start + limit]]
    }
    if start + limit < len(models):
        found["nextPageToken"] = str(start + limit)
    return answer(found)


def _whole(asked: dict[str, list[str]], name: str, default: int) -> int:
    text = asked.get(name, [str(default)])[0]
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise BadPayload(f"{name} is {text[:40]!r}, no whole number")
    return int(text)


def _describe(house: House, _request: Request, model: str, version: str | None = None) -> Response:
    lineup = lineup_of(house.board, model, None if version == "all" else version)
    loaded = lineup.versions if version == "all" else lineup.versions[:1]
    return answer([_described(one, number == 0) for number, one in enumerate(loaded)])


def _described(loaded: Loaded, default: bool) -> dict[str, Any]:
    worker = {"id": "0", "startTime": "", "status": "READY", "gpu": False, "memoryUsage": 0}
    return {
        "modelName": loaded.model,
        "modelVersion": str(loaded.number),
        "modelUrl": _url(loaded.model),
        "runtime": "onnxruntime",
        "minWorkers": 1,
        "maxWorkers": 1,
        "batchSize": 1,
        "maxBatchDelay": 0,
        "loadedAtStartup": default,
        "workers": [worker],
    }


def _url(model: str) -> str:
    return f"registry:{model}"


def _managed(_house: House, request: Request, *_parts: str) -> Response:
    raise NotPermitted(
        f"{request.method} {request.path[:80]}: models are not managed by clients",
        hint="register a version, promote it",
    )


_MODEL = "/predictions/{model}"

CONTRACT = Contract(
    "torchserve",
    "TorchServe inference and management (reading)",
    (
        *(
            Route(method, path, predict, "a row or rows, answered by numbers", predicts=True)
            for method in ("POST", "PUT")
            for path in (_MODEL, f"{_MODEL}/{{version}}")
        ),
        Route("POST", "/explanations/{model}", _explanations, "why answers are what they are", predicts=True),
        Route("GET", "/models", _list, "names of the models"),
        Route("GET", "/models/{model}", _describe, "a model's version"),
        Route("GET", "/models/{model}/{version}", _describe, "a version; `all`: those in memory"),
        Route("PUT", "/models/{model}", _managed),
        Route("PUT", "/models/{model}/{version}", _managed),
        Route("PUT", "/models/{model}/{version}/set-default", _managed),
        Route("DELETE", "/models/{model}/{version}", _managed),
    ),
    refuse,
    ("/predictions", "/explanations"),
)
