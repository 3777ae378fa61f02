"""A body whose form its content tells: MLflow's four frames, rows, tensors, CSV, lines of JSON; and an answer in kind.

MLflow: github.com/mlflow/mlflow, `docs` of "Deploy MLflow Model as a Local Inference Server", input format. SageMaker's
containers take what they like; its algorithms take CSV and lines of JSON. Triton's way of sending bytes through
SageMaker is the media type `application/vnd.sagemaker-triton.binary+json; json-header-size=N`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from noria.serving.contracts import infer_binary
from noria.serving.contracts.instances import asks_of, asks_of_columns, asks_of_csv, asks_of_split, one_of
from noria.serving.contracts.model import Show, UnknownMedia
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.tensors import read_infer, show_infer
from noria.serving.json_body import as_object, decode_with_nan, encode
from noria.serving.manner import PLAIN, Manner
from noria.serving.model import BadPayload, PredictionRecord, Request, Response
from noria.serving.rows import Ask, read_ask

CSV = "text/csv"
LINES = "application/jsonlines"
TRITON = "application/vnd.sagemaker-triton.binary+json"
_JSON = ("application/json", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain", "")
"""Media types of which JSON is read: what tools say when nobody told them what they send is no reason to refuse it."""
_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


@dataclass(frozen=True)
class Question:
    """Rows, what makes the body of their answers, and what the body says of how they are to be answered."""

    asks: Sequence[Ask]
    show: Show
    manner: Manner = PLAIN


def read(request: Request, shape: Shape) -> Question:
    """The rows of a request by its media type and form. Raises BadPayload, UnknownMedia."""
    media, parameters = media_type(request.headers.get("content-type", ""))
    if media == TRITON:
        size = parameters.get("json-header-size", "")
        infer = infer_binary.read(request.body, size, shape)
        return Question(infer.asks, lambda records: _as_triton(infer_binary.show(infer, shape, records)), infer.manner)
    if parameters.get("charset", "utf-8") not in ("utf-8", "utf8") or media not in (CSV, LINES, *_JSON):
        raise UnknownMedia(
            f"the body is {request.headers.get('content-type', '')[:80]!r}",
            hint=f"send {', '.join((_JSON[0], CSV, LINES))}, in UTF-8",
        )
    shown = _shown(request)
    if media == CSV:
        return Question(asks_of_csv(request.body, shape), shown)
    if media == LINES:
        lines = [decode_with_nan(line) for line in request.body.splitlines() if line.strip()]
        return Question(asks_of(lines, shape, "the body"), shown)
    return _read_json(decode_with_nan(request.body), shape, shown)


def _read_json(body: Any, shape: Shape, shown: Show) -> Question:
    if isinstance(body, list):
        return Question(asks_of(body, shape, "the body"), shown)
    body = as_object(body, "the body")
    given = one_of(body, _FORMS)
    value = body[given]
    if given == "inputs" and _are_tensors(value):
        infer = read_infer(body, shape)
        return Question(infer.asks, partial(show_infer, infer, shape), infer.manner)
    as_object(body.get("params") or {}, "params")
    if given == "dataframe_split":
        frame = as_object(value, given)
        return Question(asks_of_split(frame.get("columns"), frame.get("data"), shape, f"{given}.data"), shown)
    if given == "dataframe_records" and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        raise BadPayload(f"{given} is no array of objects", hint="dataframe_split takes lists")
    if given == "inputs" and not (isinstance(value, list) and len(shape.positional) != 1):
        return Question(asks_of_columns(value, shape), shown)
    if given == "instances" and isinstance(value, dict):
        return Question(asks_of_columns(value, shape, given), shown)
    return Question(asks_of(value, shape, given), shown)


def _are_tensors(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "datatype" in value[0]


def _shown(request: Request) -> Show:
    asked = request.headers.get("accept", "*/*")
    if asked == "*/*":
        return show_predictions
    accepted = [media_type(one)[0] for one in asked.split(",")]
    wanted = next((media for media in accepted if media in ("application/json", "*/*", CSV, LINES)), "")
    if wanted == CSV:
        return lambda records: _lines(records, CSV)
    if wanted == LINES:
        return lambda records: _lines(records, LINES)
    return show_predictions


def show_predictions(records: Sequence[PredictionRecord]) -> dict[str, Any]:
    """Mere numbers, in the order of the rows."""
    return {"predictions": [one.output for one in records]}


def _lines(records: Sequence[PredictionRecord], media: str) -> Response:
    return Response(200, b"".join(encode(one.output) + b"\n" for one in records), media)


def _as_triton(response: Response) -> Response:
    length = response.headers.get(infer_binary.HEADER)
    if length is None:
        return response
    return Response(response.status, response.body, f"{TRITON};json-header-size={length}")


@lru_cache(256)
def media_type(text: str) -> tuple[str, dict[str, str]]:
    """A media type in lower case, and its parameters.

    >>> media_type("Text/CSV; charset=UTF-8")
    ('text/csv', {'charset': 'utf-8'})
    """
    media, *parameters = (part.strip() for part in text.lower().split(";"))
    pairs = (part.partition("=") for part in parameters if part)
    return media, {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def row_or_rows(body: Any, shape: Shape) -> tuple[list[Ask], bool]:
    """The rows of an object that is a row itself, or of an array of rows; and whether it was a mere one."""
    if isinstance(body, dict):
        return [read_ask(body)], True
    return asks_of(body, shape, "the body"), False
