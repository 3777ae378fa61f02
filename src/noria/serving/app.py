"""The application: requests in, responses out, whoever speaks HTTP for it.

Handlers are plain functions that run inline: a row costs less than handing it to a thread would. Every error
leaves as JSON with a code and a hint; what nobody foresaw is logged here and leaves as a bare N6008.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Sequence
from functools import partial
from urllib.parse import parse_qs

from noria.core.clock import ManualClock
from noria.core.errors import NoriaError
from noria.serving.contracts import all as contracts
from noria.serving.contracts import documents
from noria.serving.contracts.model import Contract, Pending, Show, ShowWhy
from noria.serving.contracts.routes import Routes
from noria.serving.contracts.shape import Shape
from noria.serving.explaining import explain, few_enough, with_explanations
from noria.serving.json_body import answer, refusal
from noria.serving.lineup import Board, Lineup
from noria.serving.manner import Manner
from noria.serving.model import (
    BadPayload,
    ForeignTime,
    PredictionRecord,
    Request,
    Response,
    ServerFault,
)
from noria.serving.own_contract import OwnContract
from noria.serving.plane import Plane
from noria.serving.promise import Promise
from noria.serving.rows import Ask

_log = logging.getLogger(__name__)

TIME_HEADER = "noria-time"


class App:
    """Routes and what they do. `begin`, `handle` and `refuse` do not raise."""

    def __init__(self, plane: Plane, platform: Sequence[Contract] = ()) -> None:
        """An application for a data plane; the contracts of the `platform` it runs on come before all others."""
        self._plane = plane
        self._shapes: dict[str, Shape] = {}
        self._own = OwnContract(plane)
        self._routes = Routes([*platform, documents.CONTRACT, self._own.contract(), *contracts.CONTRACTS])

    def begin(self, request: Request) -> Pending:
        """The response, when it could be made at once; else what to wait for, which never raises either."""
        try:
            route, arguments = self._routes.find(request.method, request.path)
            self._set_time(request)
            response = route.handler(self, request, *arguments)
        except Exception as error:
            return self._refused(request, error)
        if isinstance(response, Response):
            return response
        if isinstance(response, Promise):
            response.mend = partial(self._refused, request)
            return response
        return self._end(request, response)

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
        return self.refuse(request.path, error)

    def refuse(self, path: str, error: NoriaError) -> Response:
        """No, in the words of the contract that the path belongs to."""
        contract = self._routes.contract(path)
        if self._routes.predicts(path):
            self._plane.metrics.failed(error.code)
        return contract.refuse(error) if contract is not None else refusal(error)

    def _set_time(self, request: Request) -> None:
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

    @property
    def contracts(self) -> Sequence[Contract]:
        """Every contract that is answered, in the order in which their routes are looked for."""
        return self._routes.contracts

    @property
    def board(self) -> Board:
        """Everything served now."""
        return self._plane.board

    def shape(self, lineup: Lineup) -> Shape:
        """What rows of a lineup look like; worked out once for each that is put in place."""
        model = lineup.routing.model
        shape = self._shapes.get(model)
        if shape is None or shape.lineup.champion is not lineup.champion:
            shape = self._shapes[model] = Shape(lineup)
        return shape

    def answer(self, lineup: Lineup, asks: Sequence[Ask], started: float, show: Show, manner: Manner) -> Pending:
        """What `show` makes of the answers: with those to others of this turn, unless a version must be waited for."""
        plane = self._plane
        if manner.explain:
            return self.explain(lineup, asks, started, lambda found, why: with_explanations(show(found), why), manner)
        if not lineup.waits:
            answers = plane.endpoint.begin(lineup, asks, plane.clock.now(), started)
            return answers.into(show).into(answer)
        return _awaited(plane.endpoint.answer(lineup, asks, plane.clock.now(), started, manner.priority), show)

    def explain(self, lineup: Lineup, asks: Sequence[Ask], started: float, show: ShowWhy, manner: Manner) -> Pending:
        """What `show` makes of the answers and of why each is what it is."""
        few_enough(asks)
        answers = self._plane.endpoint.answer(lineup, asks, self._plane.clock.now(), started, manner.priority)
        return _explained(lineup, answers, show)

    def only_model(self, request: Request) -> str:
        """The model of a path that names none: `?model=NAME`, or the only one. Raises BadPayload for several."""
        names = parse_qs(request.query).get("model", []) if request.query else []
        if names:
            return names[0]
        models = self.board.models
        if len(models) != 1:
            raise BadPayload(
                f"this server has {len(models)} models: {', '.join(models)}",
                hint=f"say which: {request.path[:80]}?model=NAME",
            )
        return models[0]

    def counts(self) -> str:
        """What Prometheus is told."""
        return self._own.metrics(self, Request("GET", "/metrics")).body.decode()

    async def load(self, model: str) -> None:
        """Read the routing again now, and bring what it names of a model into memory."""
        await self._plane.load(model)

    def unload(self, model: str) -> None:
        """Let a model on demand go. Raises NotPermitted for any other."""
        self._plane.unload(model)


async def _explained(
    lineup: Lineup, answers: list[PredictionRecord] | Awaitable[list[PredictionRecord]], show: ShowWhy
) -> Response:
    records = answers if isinstance(answers, list) else await answers
    return answer(show(records, await explain(lineup, records)))


async def _awaited(answers: list[PredictionRecord] | Awaitable[list[PredictionRecord]], show: Show) -> Response:
    return answer(show(answers if isinstance(answers, list) else await answers))
