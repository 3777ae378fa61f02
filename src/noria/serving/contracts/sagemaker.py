"""SageMaker beyond one container: models by name, and the runtime's own API, so that boto3 with `endpoint_url` can ask.

Sources: docs.aws.amazon.com/sagemaker, "Custom containers for multi-model endpoints" and `runtime_InvokeEndpoint`. The
runtime's errors are those boto3 knows: what the model refuses is a ModelError, what does not exist a ValidationError.
`GET /models/{model}` answers as TorchServe does, whose list the multi-model server of SageMaker's toolkit shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from noria.core.clock import monotonic
from noria.core.errors import Conflict, NoriaError, NotFound, Unavailable
from noria.serving.contracts import bodies
from noria.serving.contracts.invocations import TARGET, invoke_model, refuse, target
from noria.serving.contracts.model import Contract, House, NotOffered, Pending, Route
from noria.serving.json_body import answer, decode_object
from noria.serving.manner import read_manner
from noria.serving.model import BadPayload, PredictionRecord, Request, Response, UnknownModel


class AlreadyLoaded(Conflict):
    """A model that is to be loaded is in memory already."""

    code = "N6074"


def refuse_runtime(error: NoriaError) -> Response:
    """An error of the runtime's API: boto3 reads its kind of a header."""
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    body: dict[str, Any] = {"Message": message}
    if isinstance(error, NotFound | NotOffered):
        status, kind = 400, "ValidationError"
    elif isinstance(error, Unavailable):
        status, kind = 503, "ServiceUnavailable"
    elif error.status < 500:
        status, kind = 424, "ModelError"
        body |= {"OriginalStatusCode": error.status, "OriginalMessage": message}
    else:
        status, kind = 500, "InternalFailure"
    return Response(status, answer(body).body, headers={"x-amzn-errortype": kind})


def _invoke_endpoint(house: House, request: Request, endpoint: str) -> Pending:
    """An endpoint is a model; a target model in the header wins, and an only model answers under any name."""
    started, board = monotonic(), house.board
    if TARGET in request.headers:
        model = target(house, request)
    else:
        model = endpoint if endpoint in board.models or len(board.models) != 1 else board.models[0]
    lineup = board.lineup(model)
    question = bodies.read(request, house.shape(lineup))

    def show(records: Sequence[PredictionRecord]) -> Response:
        response = answer(question.show(records))
        headers = {**response.headers, "x-amzn-invoked-production-variant": f"version-{records[0].version}"}
        return Response(response.status, response.body, response.content_type, headers)

    return house.answer(lineup, question.asks, started, show, read_manner(request, question.manner))


def _asynchronous(_house: House, _request: Request, _endpoint: str) -> Response:
    raise NotOffered("asynchronous invocations are not taken", hint="POST /endpoints/NAME/invocations")


def _invoke_model(house: House, request: Request, model: str) -> Pending:
    return invoke_model(house, request, model.removesuffix(".tar.gz"))


async def _load(house: House, request: Request) -> Response:
    """Take up a model that the routing names; there is nothing to do for one in memory, which is a conflict here."""
    asked = decode_object(request.body) if request.body else {}
    model = asked.get("model_name")
    if not isinstance(model, str):
        raise BadPayload("model_name is missing", hint="models come of the registry; a url is not followed")
    if model not in house.board.models:
        raise UnknownModel("model", model[:200], house.board.models)
    if model in house.board.lineups and not house.board.lineup(model).champion.absent:
        raise AlreadyLoaded(f"model {model!r} is in memory", hint="a promoted version is taken up by itself")
    await house.load(model)
    return answer({"status": f"model {model!r} is in memory"})


def _unload(house: House, _request: Request, model: str) -> Response:
    if model not in house.board.models:
        raise UnknownModel("model", model[:200], house.board.models)
    house.unload(model)
    return answer({"status": f"model {model!r} is not in memory"})


MULTI_MODEL = Contract(
    "sagemaker-multi-model",
    "SageMaker multi-model container",
    (
        Route("POST", "/models", _load, "take up a model"),
        Route("DELETE", "/models/{model}", _unload, "out of memory with a model on demand"),
        Route("POST", "/models/{model}/invoke", _invoke_model, "rows for a model by name", predicts=True),
    ),
    refuse,
)
RUNTIME = Contract(
    "sagemaker-runtime",
    "SageMaker runtime API",
    (
        Route("POST", "/endpoints/{endpoint}/invocations", _invoke_endpoint, "what boto3 asks", predicts=True),
        Route("POST", "/endpoints/{endpoint}/async-invocations", _asynchronous),
    ),
    refuse_runtime,
    ("/endpoints",),
)
