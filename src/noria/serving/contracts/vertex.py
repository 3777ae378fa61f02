"""Vertex AI: the container's two routes, which the platform names, and the API of its endpoints for Google's clients.

Sources: cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements (AIP_HEALTH_ROUTE, AIP_PREDICT_ROUTE)
and `projects.locations.endpoints/predict`. `instances` make `predictions`. A refusal is Google's error object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.clock import monotonic
from noria.core.errors import BadInput, Conflict, NoriaError, NotFound, Unavailable
from noria.serving import rows
from noria.serving.contracts import bodies
from noria.serving.contracts.instances import asks_of
from noria.serving.contracts.invocations import ping
from noria.serving.contracts.model import Contract, House, Pending, Route
from noria.serving.json_body import answer, as_object, decode_with_nan, refusal
from noria.serving.lineup import Lineup
from noria.serving.manner import read_manner
from noria.serving.model import PredictionRecord, Request, Response

_STATUSES: tuple[tuple[type[NoriaError], str], ...] = (
    (NotFound, "NOT_FOUND"), (BadInput, "INVALID_ARGUMENT"), (Conflict, "ABORTED"), (Unavailable, "UNAVAILABLE")
)  # fmt: skip


def refuse(error: NoriaError) -> Response:
    """`{"error": {"code", "message", "status"}}`."""
    told = refusal(error)
    status = next((name for known, name in _STATUSES if isinstance(error, known)), "INTERNAL")
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    body = {"error": {"code": told.status, "message": message, "status": status}}
    return Response(told.status, answer(body).body, headers=told.headers)


def _predict(house: House, request: Request) -> Pending:
    """The container's route; rows in Noria's own words are taken too, as that route is often `/predict`."""
    started = monotonic()
    lineup = house.board.lineup(house.only_model(request))
    body, manner = decode_with_nan(request.body), read_manner(request)
    if isinstance(body, dict) and "instances" in body:
        asks = asks_of(body["instances"], house.shape(lineup))
        return house.answer(lineup, asks, started, bodies.show_predictions, manner)
    return house.answer(lineup, rows.read_asks(body), started, rows.show_predictions, manner)


def _predict_endpoint(house: House, request: Request, *place: str) -> Pending:
    started = monotonic()
    lineup = _lineup(house, place[-1])
    body = as_object(decode_with_nan(request.body), "the body")
    asks = asks_of(body.get("instances"), house.shape(lineup))

    def show(records: Sequence[PredictionRecord]) -> dict[str, Any]:
        version = str(records[0].version)
        about = {"deployedModelId": version, "modelVersionId": version, "modelDisplayName": records[0].model}
        return {"predictions": [one.output for one in records], **about}

    return house.answer(lineup, asks, started, show, read_manner(request))


def _raw_predict(house: House, request: Request, *place: str) -> Pending:
    """Any body that `/invocations` takes."""
    started = monotonic()
    lineup = _lineup(house, place[-1])
    question = bodies.read(request, house.shape(lineup))
    return house.answer(lineup, question.asks, started, question.show, read_manner(request, question.manner))


def _lineup(house: House, endpoint: str) -> Lineup:
    """The model that has the endpoint's name; an only model answers under any."""
    models = house.board.models
    return house.board.lineup(endpoint if endpoint in models or len(models) != 1 else models[0])


_ENDPOINT = "/v1/projects/{project}/locations/{location}/endpoints/{endpoint}"

CONTRACT = Contract(
    "vertex",
    "Vertex AI endpoint API",
    (
        Route("POST", f"{_ENDPOINT}:predict", _predict_endpoint, "instances in, predictions out", predicts=True),
        Route("POST", f"{_ENDPOINT}:rawPredict", _raw_predict, "what /invocations takes", predicts=True),
    ),
    refuse,
    ("/v1/projects",),
)


def container(environment: Mapping[str, str]) -> tuple[Contract, ...]:
    """The routes that the platform names in `AIP_HEALTH_ROUTE` and `AIP_PREDICT_ROUTE`; none elsewhere.

    Raises BadInput when one of them is no path.
    """
    routes = []
    for name, method, handler in (("AIP_HEALTH_ROUTE", "GET", ping), ("AIP_PREDICT_ROUTE", "POST", _predict)):
        path = environment.get(name, "")
        if not path:
            continue
        if not path.startswith("/") or any(letter in path for letter in "{}?# "):
            raise BadInput(f"{name} is {path[:80]!r}, which is no path", hint="such as /v1/endpoints/1:predict")
        routes.append(Route(method, path.rstrip("/") or "/", handler, f"named by {name}", predicts=method == "POST"))
    return (Contract("vertex-container", "Vertex AI container", tuple(routes), refuse),) if routes else ()
