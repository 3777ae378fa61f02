"""What a method is to a lane: bytes in, bytes or a refusal out, at once or awaited; and how rows are answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any, NamedTuple, Protocol

from google.protobuf.message import DecodeError

from noria.core.clock import Clock
from noria.core.errors import NoriaError
from noria.serving.contracts.model import Show, ShowWhy
from noria.serving.contracts.shape import Shape
from noria.serving.endpoint import Endpoint
from noria.serving.explaining import explain, few_enough
from noria.serving.grpc.statuses import Outcome, Pending, Refused, Unimplemented, refused
from noria.serving.lineup import Board, Lineup
from noria.serving.metrics import Metrics
from noria.serving.model import BadPayload, ServerFault
from noria.serving.promise import Promise
from noria.serving.rows import Ask

_log = logging.getLogger(__name__)


class Plane(Protocol):
    """What the gRPC lane needs of the data plane around it."""

    board: Board
    endpoint: Endpoint
    metrics: Metrics
    clock: Clock

    async def load(self, model: str) -> None:
        """Read the routing again now, and bring what it names of a model into memory."""
        ...

    def unload(self, model: str) -> None:
        """Let a model on demand go. Raises NotPermitted for any other."""
        ...


class Answers:
    """Answers rows with the endpoint, and knows what rows of a lineup look like."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self._shapes: dict[str, Shape] = {}

    def shape(self, lineup: Lineup) -> Shape:
        """Worked out once for each lineup that is put in place."""
        model = lineup.routing.model
        shape = self._shapes.get(model)
        if shape is None or shape.lineup.champion is not lineup.champion:
            shape = self._shapes[model] = Shape(lineup)
        return shape

    def give(self, lineup: Lineup, asks: Sequence[Ask], started: float, show: Show, priority: int = 0) -> Any:
        """What `show` makes of the answers: a promise for the end of this turn, or what must be awaited longer."""
        endpoint, now = self.plane.endpoint, self.plane.clock.now()
        if not lineup.waits:
            return endpoint.begin(lineup, asks, now, started).into(show)
        return self._later(endpoint.answer(lineup, asks, now, started, priority), show)

    async def explain(
        self, lineup: Lineup, asks: Sequence[Ask], started: float, show: ShowWhy, priority: int = 0
    ) -> Any:
        """What `show` makes of the answers and of why each is what it is."""
        few_enough(asks)
        answers = self.plane.endpoint.answer(lineup, asks, self.plane.clock.now(), started, priority)
        records = answers if isinstance(answers, list) else await answers
        return show(records, await explain(lineup, records))

    async def _later(self, answers: Any, show: Show) -> Any:
        return show(answers if isinstance(answers, list) else await answers)


@dataclass(frozen=True)
class Method:
    """`read` makes the request of bytes, `handle` the response (or an awaitable of it); `counted` ones predict.

    In a stream every message is answered by one: `wrap` puts a response into it, `refuse` a sentence.
    """

    read: Callable[[bytes], Any]
    handle: Callable[[Any], Any]
    counted: bool = False
    wrap: Callable[[Any], Any] | None = None
    refuse: Callable[[str], Any] | None = None


class Caller(NamedTuple):
    """Who calls: an address, the call's id, and the headers that name its trace."""

    peer: str | None = None
    id: str = ""
    headers: Mapping[str, str] = {}


NOBODY = Caller()


class Methods:
    """Every method by its path. `begin` and what it gives never raise, whatever the bytes are."""

    def __init__(self, metrics: Metrics, methods: Mapping[str, Method], streams: Mapping[str, Method]) -> None:
        self.metrics = metrics
        self.unary = methods
        self.streams = streams

    def begin(self, path: str, body: bytes, _caller: Caller = NOBODY) -> Pending:
        """Answer a call: the message's bytes or a refusal, or what to wait for."""
        method = self.unary.get(path) or self.streams.get(path)
        if method is None:
            known = sorted(self.unary)
            return refused(Unimplemented(f"there is no method {path[:200]!r}", hint=f"there are: {', '.join(known)}"))
        try:
            response = method.handle(method.read(body))
            if isinstance(response, Promise):
                promise: Promise[Outcome] = response.into(partial(self._done, method))
                promise.mend = partial(self._refused, path, method)
                return promise
            if isawaitable(response):
                return self._end(path, method, response)
            return self._done(method, response)
        except Exception as error:
            return self._refused(path, method, error)

    def refused(self, path: str, outcome: Refused, caller: Caller) -> None:
        """A lane has refused a call without asking here."""

    async def _end(self, path: str, method: Method, response: Awaitable[Any]) -> Outcome:
        try:
            return self._done(method, await response)
        except Exception as error:
            return self._refused(path, method, error)

    def _done(self, method: Method, response: Any) -> bytes:
        whole = response if method.wrap is None else method.wrap(response)
        data: bytes = whole.SerializeToString()
        return data

    def _refused(self, path: str, method: Method, error: Exception) -> Outcome:
        if isinstance(error, DecodeError):
            error = BadPayload(f"the bytes are no message of {path}", hint="compile the service's .proto file")
        elif not isinstance(error, NoriaError):
            _log.error("%s failed", path, exc_info=error)
            error = ServerFault("the server failed on this request", hint="its log tells why")
        if method.counted:
            self.metrics.failed(error.code)
        outcome = refused(error)
        if method.refuse is None:
            return outcome
        data: bytes = method.refuse(outcome.message).SerializeToString()
        return data
