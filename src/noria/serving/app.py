"""The application: requests in, responses out, whoever speaks HTTP for it.

Handlers are plain functions that run inline: a row costs less than handing it to a thread would. Every error
leaves as JSON with a code and a hint; what nobody foresaw is logged here and leaves as a bare N6008.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qs

from noria.core.clock import Clock, ManualClock, monotonic
from noria.core.errors import NoriaError
from noria.features.online.features import OnlineFeatures
from noria.serving import feedback, open_inference, rows
from noria.serving.endpoint import Endpoint
from noria.serving.explaining import explain, few_enough, with_explanations
from noria.serving.feast_door import answer_feast
from noria.serving.features_door import Catalogue, look_up
from noria.serving.json_body import answer, decode, refusal
from noria.serving.lineup import Board, Lineup
from noria.serving.log import PredictionLog
from noria.serving.manner import PLAIN, read_manner
from noria.serving.metrics import CONTENT_TYPE, Metrics
from noria.serving.model import (
    BadPayload,
    ForeignTime,
    PredictionRecord,
    Request,
    Response,
    ServedModel,
    ServerFault,
    UnknownPath,
    WrongMethod,
)
from noria.serving.rows import Ask

_log = logging.getLogger(__name__)

TIME_HEADER = "noria-time"
Pending = Response | Awaitable[Response]
Handler = Callable[..., Pending]
Show = Callable[[Sequence[PredictionRecord]], dict[str, Any]]


class Plane(Protocol):
    """What the application needs of the data plane around it."""

    board: Board
    models: dict[str, ServedModel]
    endpoint: Endpoint
    online: OnlineFeatures
    log: PredictionLog
    metrics: Metrics
    clock: Clock
    replay: bool

    async def follow(self) -> None:
        """Read the routing again now."""
        ...


class App:
    """Routes and what they do. Neither `begin` nor `handle` raises."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._catalogue: Catalogue | None = None
        self._manner = PLAIN
        self._routes: dict[str, dict[str, Handler]] = {
            "/": {"GET": self._index},
            "/predict": {"POST": self._predict},
            "/feedback": {"POST": self._feedback},
            "/events": {"POST": self._events},
            "/events/positions": {"GET": self._positions},
            "/features": {"POST": self._features},
            "/get-online-features": {"POST": self._feast},
            "/metrics": {"GET": self._metrics},
            "/v2": {"GET": self._server},
            "/v2/health/live": {"GET": self._live},
            "/v2/health/ready": {"GET": self._ready},
            "/v2/models": {"GET": self._models},
            "/v2/models/{model}": {"GET": self._model},
            "/v2/models/{model}/ready": {"GET": self._model_ready},
            "/v2/models/{model}/infer": {"POST": self._infer},
            "/v2/repository/refresh": {"POST": self._refresh},
        }
        self._patterns = [
            (re.compile(path.replace("{model}", "([^/]+)")), methods)
            for path, methods in self._routes.items()
            if "{" in path
        ]

    def begin(self, request: Request) -> Pending:
        """The response, when it could be made at once; else what to wait for, which never raises either."""
        try:
            handler, arguments = self._find(request)
            self._set_time(request)
            response = handler(request, *arguments)
        except Exception as error:
            return self._refused(request, error)
        return response if isinstance(response, Response) else self._end(request, response)

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        response = self.begin(request)
        return response if isinstance(response, Response) else await response

    async def _end(self, request: Request, response: Awaitable[Response]) -> Response:
        try:
            return await response
        except Exception as error:
            return self._refused(request, error)

    def _refused(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, NoriaError):
            _log.error("%s %s failed", request.method, request.path, exc_info=error)
            error = ServerFault("the server failed on this request", hint="its log tells why")
        self._count(request, error.code)
        return refusal(error)

    def _find(self, request: Request) -> tuple[Handler, Sequence[str]]:
        path = request.path.rstrip("/") or "/"
        arguments: Sequence[str] = ()
        methods = self._routes.get(path)
        if methods is None:
            for pattern, candidates in self._patterns:
                if match := pattern.fullmatch(path):
                    methods, arguments = candidates, match.groups()
                    break
            else:
                raise UnknownPath("path", path[:200], self._routes)
        if request.method not in methods:
            raise WrongMethod(request.method, path[:200], ", ".join(methods))
        return methods[request.method], arguments

    def _set_time(self, request: Request) -> None:
        self._manner = read_manner(request)  # for this request's handler, which is called next
        text = request.headers.get(TIME_HEADER)
        if text is None:
            return
        clock = self._plane.clock
        if not self._plane.replay or not isinstance(clock, ManualClock):
            raise ForeignTime(
                "this server takes no time from its callers", hint="start it for a replay, or leave it out"
            )
        if not re.fullmatch("[0-9]{1,18}", text):
            raise BadPayload(f"{TIME_HEADER} is {text[:40]!r}", hint="give whole microseconds since 1970, UTC")
        clock.advance_to(int(text))

    def _count(self, request: Request, reason: str) -> None:
        if request.path == "/predict" or request.path.endswith("/infer"):
            self._plane.metrics.failed(reason)

    def _answer(self, lineup: Lineup, asks: Sequence[Ask], started: float, show: Show) -> Pending:
        """What `show` makes of the answers: at once where the endpoint has them at once."""
        plane, priority = self._plane, self._manner.priority
        if self._manner.explain:
            few_enough(asks)
        answers = plane.endpoint.answer(lineup, asks, plane.clock.now(), started, priority)
        if self._manner.explain:
            return _explained(lineup, answers, show)
        return answer(show(answers)) if isinstance(answers, list) else _awaited(answers, show)

    def _predict(self, request: Request) -> Pending:
        started = monotonic()
        lineup = self._plane.board.lineup(self._named(request))
        return self._answer(lineup, rows.read_asks(decode(request.body)), started, rows.show_predictions)

    def _named(self, request: Request) -> str:
        board = self._plane.board
        names = parse_qs(request.query).get("model", []) if request.query else []
        if names:
            return names[0]
        models = board.models
        if len(models) != 1:
            raise BadPayload(
                f"this server has {len(models)} models: {', '.join(models)}", hint="say which: /predict?model=NAME"
            )
        return models[0]

    def _infer(self, request: Request, model: str) -> Pending:
        started = monotonic()
        lineup = self._plane.board.lineup(model)
        infer = open_inference.read_infer(decode(request.body), lineup)
        return self._answer(lineup, infer.asks, started, partial(open_inference.show_infer, infer, lineup))

    def _feedback(self, request: Request) -> Response:
        items = rows.read_feedback_items(decode(request.body))
        taken = feedback.take(self._plane.log, items, self._plane.clock.now())
        self._plane.metrics.learnt(taken.new)
        return answer(taken.show(), taken.status)

    def _events(self, request: Request) -> Response:
        """Batches are taken in order; when one is refused those before it stay, and a stream knows them again."""
        batches = rows.read_events(decode(request.body))
        total = 0
        for one in batches:
            now = self._plane.clock.now()
            applied = self._plane.online.ingest(
                one.source, one.rows, stream=one.stream, position=one.position, ids=one.ids, now=now
            )
            self._plane.metrics.ingested(one.source, applied)
            total += applied
        return answer({"applied": total, "repeated": sum(len(one.rows) for one in batches) - total})

    def _features(self, request: Request) -> Response:
        plane = self._plane
        return answer(look_up(decode(request.body), self._looked_up(), plane.online, plane.clock.now()))

    def _feast(self, request: Request) -> Response:
        plane = self._plane
        return answer(answer_feast(decode(request.body), self._looked_up(), plane.online, plane.clock.now()))

    def _looked_up(self) -> Catalogue:
        if self._catalogue is None or self._catalogue.board is not self._plane.board:
            self._catalogue = Catalogue(self._plane.board, self._plane.models)
        return self._catalogue

    def _positions(self, _request: Request) -> Response:
        return answer({"positions": self._plane.online.positions()})

    def _metrics(self, _request: Request) -> Response:
        plane = self._plane
        body = plane.metrics.exposition(plane.online.freshness(), plane.clock.now(), plane.log.backlog())
        return Response(200, body, CONTENT_TYPE)

    def _server(self, _request: Request) -> Response:
        return answer({"name": "noria", "version": "2", "extensions": []})

    def _live(self, _request: Request) -> Response:
        return answer({"live": True})

    def _ready(self, _request: Request) -> Response:
        board = self._plane.board
        state: dict[str, Any] = {"ready": not board.waiting, "degraded": board.degraded or None}
        if board.waiting:
            state["waiting"] = dict(board.waiting)
        return answer(state, 503 if board.waiting else 200)

    def _models(self, _request: Request) -> Response:
        return answer({"models": self._plane.board.models})

    def _model(self, _request: Request, model: str) -> Response:
        return answer(open_inference.metadata(self._plane.board.lineup(model)))

    def _model_ready(self, _request: Request, model: str) -> Response:
        self._plane.board.lineup(model)
        return answer({"name": model, "ready": True})

    async def _refresh(self, _request: Request) -> Response:
        await self._plane.follow()
        return answer(self._served())

    def _index(self, _request: Request) -> Response:
        paths = [f"{method} {path}" for path, methods in self._routes.items() for method in methods]
        return answer({"server": "noria", **self._served(), "paths": paths})

    def _served(self) -> dict[str, Any]:
        board = self._plane.board
        served = [
            {
                "model": model,
                "version": lineup.champion.number,
                "challenger": lineup.challenger.number if lineup.challenger else None,
                "mode": lineup.routing.mode,
                "share": lineup.routing.share,
                "revision": lineup.routing.revision,
                "trouble": lineup.trouble or None,
            }
            for model, lineup in sorted(board.lineups.items())
        ]
        return {"models": served, "waiting": dict(board.waiting), "degraded": board.degraded or None}


async def _explained(
    lineup: Lineup, answers: list[PredictionRecord] | Awaitable[list[PredictionRecord]], show: Show
) -> Response:
    records = answers if isinstance(answers, list) else await answers
    return answer(with_explanations(show(records), await explain(lineup, records)))


async def _awaited(answers: Awaitable[list[PredictionRecord]], show: Show) -> Response:
    return answer(show(await answers))
