"""`/ping` and `/invocations`, which MLflow's scoring server and SageMaker's containers share; the body tells which.

Sources: github.com/mlflow/mlflow, `mlflow/pyfunc/scoring_server`; docs.aws.amazon.com/sagemaker, "Use your own
inference code". A refusal is `{"error_code", "message"}`, MLflow's.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from noria.core.clock import monotonic
from noria.core.errors import BadInput, NoriaError, NotFound, Unavailable
from noria.serving.contracts import bodies
from noria.serving.contracts.model import Contract, House, Pending, Route
from noria.serving.json_body import answer, refusal
from noria.serving.manner import read_manner
from noria.serving.model import Request, Response

TARGET = "x-amzn-sagemaker-target-model"


def refuse(error: NoriaError) -> Response:
    """`{"error_code", "message"}`."""
    told = refusal(error)
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    return Response(told.status, answer({"error_code": _code(error), "message": message}).body, headers=told.headers)


def _code(error: NoriaError) -> str:
    codes: tuple[tuple[type[NoriaError], str], ...] = (
        (NotFound, "RESOURCE_DOES_NOT_EXIST"), (BadInput, "BAD_REQUEST"), (Unavailable, "TEMPORARILY_UNAVAILABLE")
    )  # fmt: skip
    return next((code for kind, code in codes if isinstance(error, kind)), "INTERNAL_ERROR")


def invoke(house: House, request: Request) -> Pending:
    """Rows in any of the forms, for the model that a header or the query names, or the only one."""
    return invoke_model(house, request, target(house, request))


def target(house: House, request: Request) -> str:
    """The model that SageMaker's header names, with or without an archive's ending; else the path's or only one."""
    named = request.headers.get(TARGET)
    return named.removesuffix(".tar.gz").strip("/") if named else house.only_model(request)


def invoke_model(house: House, request: Request, model: str) -> Pending:
    """The same for a model by name."""
    started = monotonic()
    lineup = house.board.lineup(model)
    question = bodies.read(request, house.shape(lineup))
    return house.answer(lineup, question.asks, started, question.show, read_manner(request, question.manner))


def ping(house: House, _request: Request) -> Response:
    """Whether every model can answer."""
    if house.board.waiting:
        return answer({"status": "Unhealthy", "waiting": dict(house.board.waiting)}, 503)
    return answer({"status": "Healthy"})


def _version(_house: House, _request: Request) -> Response:
    try:
        text = version("noria")
    except PackageNotFoundError:  # run from its sources, without having been installed
        text = "unknown"
    return Response(200, text.encode(), "text/plain; charset=utf-8")


CONTRACT = Contract(
    "invocations",
    "MLflow scoring server, SageMaker container",
    (
        Route("GET", "/ping", ping, "whether every model can answer"),
        Route("GET", "/health", ping, "the same"),
        Route("GET", "/version", _version, "of Noria"),
        Route("POST", "/invocations", invoke, "rows as MLflow or SageMaker send them", predicts=True),
    ),
    refuse,
)
