"""Azure ML's scoring route: `data` (rows) or `input_data` (a frame, rows or columns) in, an array of numbers out.

Sources: learn.microsoft.com/azure/machine-learning, "How to deploy an advanced entry script" and "Deploy MLflow models
to online endpoints"; the inference HTTP server's documentation for the routes and the request-id headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from noria.core.clock import monotonic
from noria.core.errors import NoriaError
from noria.serving.contracts.instances import asks_of, asks_of_columns, asks_of_split, one_of
from noria.serving.contracts.model import Contract, House, Pending, Route
from noria.serving.contracts.shape import Shape
from noria.serving.json_body import answer, as_object, decode_with_nan, refusal
from noria.serving.manner import read_manner
from noria.serving.model import PredictionRecord, Request, Response
from noria.serving.rows import Ask

_IDS = ("x-ms-client-request-id", "x-ms-request-id")


def refuse(error: NoriaError) -> Response:
    """`{"message"}`, with Noria's code."""
    told = refusal(error)
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    headers = {**told.headers, "x-ms-run-function-failed": "True"}
    return Response(told.status, answer({"message": message, "code": error.code}).body, headers=headers)


def score(house: House, request: Request) -> Pending:
    """Rows for the only model, or the one that `?model=` names."""
    started = monotonic()
    lineup = house.board.lineup(house.only_model(request))
    asks = _read(decode_with_nan(request.body), house.shape(lineup))
    echoed = {name: request.headers[name] for name in _IDS if _echoes(request.headers.get(name, ""))}

    def show(records: Sequence[PredictionRecord]) -> Response:
        return Response(200, answer([one.output for one in records]).body, headers=echoed)

    return house.answer(lineup, asks, started, show, read_manner(request))


def _echoes(text: str) -> bool:
    return 0 < len(text) <= 100 and text.isascii() and text.isprintable()


def _read(body: Any, shape: Shape) -> list[Ask]:
    body = as_object(body, "the body")
    given = one_of(body, ("data", "input_data"))
    value = body[given]
    if isinstance(value, dict) and "data" in value and given == "input_data":
        return asks_of_split(value.get("columns"), value["data"], shape, "input_data.data")
    return asks_of_columns(value, shape, given) if isinstance(value, dict) else asks_of(value, shape, given)


CONTRACT = Contract(
    "azure-ml",
    "Azure ML online endpoint",
    (Route("POST", "/score", score, "data or input_data in, an array out", predicts=True),),
    refuse,
)
