"""The leader's side: what followers hand over is logged, what they forward is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from noria.core.errors import Corrupt, NoriaError
from noria.serving.app import App
from noria.serving.followers.frames import (
    Answered,
    Call,
    Called,
    Failed,
    Forward,
    Keep,
    Kept,
    Refusal,
    Reply,
    Unpacking,
    packed,
    said_decoder,
)
from noria.serving.followers.place import short_path
from noria.serving.log import PredictionLog
from noria.serving.metrics import Metrics
from noria.serving.model import PredictionRecord, Request, Response, ServerFault

if TYPE_CHECKING:
    from noria.serving.grpc.method import Methods

_log = logging.getLogger(__name__)


class Leading:
    """A lane of the leader's data plane: listens for followers while it is served. `methods` makes the gRPC methods."""

    def __init__(
        self, folder: Path, app: App, log: PredictionLog, metrics: Metrics, methods: Callable[[], Methods]
    ) -> None:
        self._folder, self._app, self._log, self._metrics = folder, app, log, metrics
        self._make_methods = methods
        self._methods: Methods | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[_FromFollower] = set()
        self._tasks: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        """Listen. Whoever led before is dead, since this process has the turn."""
        loop = asyncio.get_running_loop()
        with short_path(self._folder) as path:
            Path(path).unlink(missing_ok=True)
            self._server = await loop.create_unix_server(lambda: _FromFollower(self), path)

    async def stop(self) -> None:
        """Hang up on followers, which keep what is not acknowledged for the next leader."""
        if self._server is not None:
            self._server.close()
        for one in list(self._connections):
            one.close()

    def joined(self, one: _FromFollower) -> None:
        """A follower has come."""
        self._connections.add(one)

    def left(self, one: _FromFollower) -> None:
        """A follower is gone."""
        self._connections.discard(one)

    def keep(self, asked: Keep) -> Reply:
        """Log what a follower answered, once: an id that is there already keeps its earlier answer."""
        known = ((name, self._log.find(name)) for name in asked.given)
        earlier = {name: record for name, record in known if record is not None}
        new: list[PredictionRecord] = [one for one in asked.records if one.prediction_id not in earlier]
        try:
            if new:
                self._log.append_many(new)
                self._metrics.answered(new)
        except NoriaError as error:
            return Refusal.of(asked.number, error)
        return Kept(asked.number, earlier)

    def forward(self, asked: Forward, reply: Callable[[Reply], None]) -> None:
        """Answer a request as if it had come here."""
        request = Request(asked.method, asked.path, asked.headers, asked.body, asked.query)
        self._tell(self._app.begin(request), partial(_answered, asked.number, reply))

    def call(self, asked: Call, reply: Callable[[Reply], None]) -> None:
        """Answer a gRPC call as if it had come here."""
        if self._methods is None:
            self._methods = self._make_methods()
        self._tell(self._methods.begin(asked.path, asked.body), partial(_called, asked.number, reply))

    def failed(self, asked: Failed) -> None:
        """Count a refusal."""
        self._metrics.failed(asked.reason)

    def _tell(self, pending: Any, tell: Callable[[Any], None]) -> None:
        """The result, now or when it is there."""
        if not isawaitable(pending):
            tell(pending)
            return

        async def wait() -> None:
            tell(await pending)

        task = asyncio.ensure_future(wait())
        self._tasks.add(task)  # else it might be collected before it is done
        task.add_done_callback(self._tasks.discard)


def _answered(number: int, reply: Callable[[Reply], None], response: Response) -> None:
    reply(Answered(number, response.status, response.body, response.content_type, dict(response.headers)))


def _called(number: int, reply: Callable[[Reply], None], outcome: Any) -> None:
    if isinstance(outcome, bytes):
        reply(Called(number, outcome))
    else:
        reply(Called(number, status=outcome.status, message=outcome.message))


class _FromFollower(asyncio.Protocol):
    """One follower's connection."""

    def __init__(self, leading: Leading) -> None:
        self._leading = leading
        self._unpacking = Unpacking()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._leading.joined(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._leading.left(self)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._unpacking.feed(data):
                self._heard(message)
        except (Corrupt, ValueError):
            _log.exception("a follower says what nobody understands; it must come again")
            self.close()

    def _heard(self, message: bytes) -> None:
        said = said_decoder.decode(message)
        try:
            if isinstance(said, Keep):
                self._reply(self._leading.keep(said))
            elif isinstance(said, Forward):
                self._leading.forward(said, self._reply)
            elif isinstance(said, Call):
                self._leading.call(said, self._reply)
            else:
                self._leading.failed(said)
        except Exception:
            _log.exception("what a follower handed over failed")
            self._reply(Refusal.of(said.number, ServerFault("the server failed on this", hint="its log tells why")))

    def _reply(self, reply: Reply) -> None:
        if self._transport is not None:
            self._transport.write(packed(reply))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
