"""One connection: requests to the application, responses out in the order of the requests.

An answer that is there at once is written at once, without a task; while one is awaited, the requests behind it wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, cast

from noria.core.errors import NoriaError
from noria.serving.http.errors import Overloaded, TooSlow
from noria.serving.http.reading import RequestReader
from noria.serving.http.wire import compressed, encode, plain_body
from noria.serving.model import Request, Response
from noria.serving.promise import Promise
from noria.serving.request_ids import HEADER, valid_id

if TYPE_CHECKING:
    from noria.serving.http.server import HttpServer

_LINGER_SECONDS = 2.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_UNCOUNTED = (Response, Promise)
"""What is there at once, or by the end of the turn: nobody waits for it."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """The server's side of one connection. Its server looks at it every second and closes what takes too long."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._limits = server.limits
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._reader = RequestReader(server.limits, self._asked, self._go_ahead)
        self._queue: deque[tuple[Request | Response, bool]] = deque()
        self._pending: asyncio.Future[Response] | Promise[Response] | None = None
        self._current: tuple[Request, bool] | None = None
        """The request that a promise was given for."""
        self._paused = self._held = False
        """Whether the client does not read, and whether it is not read because too much of its own waits."""
        self._last = self._lingering = False
        """Whether no further request is read, and whether the answer is out and the rest is only thrown away."""
        self._fresh = True
        self._since = 0.0
        """When what is going on began: the idleness, the request, the stalling."""

    # what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._since = self._server.now()
        self._server.connections.add(self)
        if len(self._server.connections) > self._limits.connections:
            self._refuse(Overloaded("this server has no place for another connection", hint="try again in a moment"))

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.lost(self)
        self._queue.clear()
        self._last = True

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        if self._fresh:
            self._fresh = False
            if data.startswith(b"PRI") and self._handed_over(data):
                return
        if not self._reader.begun:
            self._since = self._server.now()
        try:
            self._reader.feed(data)
        except NoriaError as error:
            self._refuse(error)
        self._last = self._last or self._reader.ended

    def eof_received(self) -> bool:
        return self._pending is not None or bool(self._queue)

    def pause_writing(self) -> None:
        self._paused, self._since = True, self._server.now()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        self._go_on()

    # requests

    def _asked(self, request: Request, keep: bool) -> None:
        if self._pending is None and not self._paused and not self._queue:
            self._answer(request, keep)
            return
        self._queue.append((request, keep))
        if len(self._queue) >= self._limits.pipelined and not self._held:
            self._held = True
            self._transport.pause_reading()

    def _go_ahead(self) -> None:
        if self._pending is None and not self._queue:
            self._transport.write(_CONTINUE)

    def _handed_over(self, data: bytes) -> bool:
        """Give the connection to whoever speaks HTTP/2; False when nobody does or this is none."""
        takes = self._server.http2
        if takes is None or not data.startswith(_PREFACE[: len(data)]):
            return False
        self._server.lost(self)
        other: Any = takes()
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        other.data_received(data)
        return True

    # answers

    def _answer(self, request: Request, keep: bool) -> None:
        response = self._begin(request)
        if isinstance(response, Response):
            self._send(request, response, keep)
            return
        if isinstance(response, Promise):
            self._pending, self._current = response, (request, keep)
            response.then(self._kept)
            return
        self._pending = pending = asyncio.ensure_future(response)
        self._server.waiting += 1
        pending.add_done_callback(lambda _: self._answered(request, pending, keep))

    def _begin(self, request: Request) -> Response | Awaitable[Response]:
        coding = request.headers.get("content-encoding")
        if coding is not None:
            try:
                body = plain_body(request.body, coding, self._limits.body)
            except NoriaError as error:
                return self._server.refuse(request.path, error)
            request = Request(request.method, request.path, request.headers, body, request.query)
        response = self._server.begin(request)
        if not isinstance(response, _UNCOUNTED) and self._server.waiting >= self._limits.waiting:
            close = getattr(response, "close", None)
            if close is not None:
                close()
            full = Overloaded("too many requests wait for their answers", hint="try again in a moment")
            return self._server.refuse(request.path, full)
        return response

    def _kept(self, response: Response) -> None:
        """A promise was kept."""
        current, self._pending, self._current = self._current, None, None
        if current is None or self._transport.is_closing():
            return
        self._send(current[0], response, current[1])
        if self._queue or self._held:
            self._go_on()

    def _answered(self, request: Request, pending: asyncio.Future[Response], keep: bool) -> None:
        self._pending = None
        self._server.waiting -= 1
        if self._transport.is_closing():
            return
        if pending.cancelled() or pending.exception() is not None:
            self._transport.abort()
            return
        self._send(request, pending.result(), keep)
        self._go_on()

    def _go_on(self) -> None:
        """What waited behind an answer, or behind a client that did not read."""
        while self._queue and self._pending is None and not self._paused:
            what, keep = self._queue.popleft()
            if isinstance(what, Response):
                self._finish(what)
            else:
                self._answer(what, keep)
        if not self._paused and len(self._queue) < self._limits.pipelined // 2 and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()

    def _send(self, request: Request, response: Response, keep: bool) -> None:
        server, headers = self._server, request.headers
        if "accept-encoding" in headers:
            response = compressed(response, headers["accept-encoding"])
        named = valid_id(headers.get(HEADER, "")) or server.next_id()
        keep = keep and not server.draining
        self._transport.write(encode(response, named, server.date, keep=keep, bodiless=request.method == "HEAD"))
        if server.access is not None:
            server.access(request, response, named, server.now() - self._since, self._transport)
        self._since = server.now()
        if not keep:
            self._last = True
            self._transport.close()

    def _refuse(self, error: NoriaError) -> None:
        """Answer with an error after whatever waits, and read no more."""
        self._last = True
        response = self._server.refuse(self._reader.path, error)
        if self._pending is None and not self._queue:
            self._finish(response)
        else:
            self._queue.append((response, False))

    def _finish(self, response: Response) -> None:
        """The last answer. What the client still sends is thrown away for a moment: closing now would reset it away."""
        server = self._server
        named = server.next_id()
        self._transport.write(encode(response, named, server.date, keep=False))
        if server.access is not None:
            unread = Request("-", self._reader.path, {})
            server.access(unread, response, named, server.now() - self._since, self._transport)
        self._lingering, self._since = True, self._server.now()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    # what the server asks

    @property
    def _idle(self) -> bool:
        return not self._reader.begun and self._pending is None and not self._queue

    def look(self, now: float) -> None:
        """Close what has taken too long."""
        taken = now - self._since
        if self._lingering:
            if taken > _LINGER_SECONDS:
                self._transport.abort()
        elif self._paused:
            if taken > self._limits.stalled_seconds:
                self._transport.abort()
        elif self._reader.begun and not self._last and not self._held:
            if taken > self._limits.request_seconds + self._reader.received / self._limits.slowest:
                self._refuse(TooSlow("the request did not arrive in time", hint="send it without pauses"))
        elif self._idle and taken > self._limits.idle_seconds:
            self._transport.close()

    def drain(self) -> None:
        """Close when idle; otherwise after the answer that is being made."""
        if self._idle:
            self._transport.close()

    def abort(self) -> None:
        """Close without another word."""
        self._transport.abort()
