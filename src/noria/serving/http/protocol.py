"""One connection: bytes in, requests to the application, responses out in the order of the requests.

llhttp (by httptools) reads strictly: both lengths, folded headers, bare line feeds and bad chunks are refused by it.
What it does not bound is bounded here. An answer that is there at once is written at once, without a task; while one
is awaited, the requests behind it wait in their order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, cast

import httptools

from noria.core.errors import NoriaError
from noria.serving.http.errors import ExpectationFailed, HeadTooLarge, Overloaded, TooSlow, UnknownVersion
from noria.serving.http.wire import compressed, encode, plain_body, request_id, split_target
from noria.serving.json_body import refusal
from noria.serving.model import BadPayload, Request, Response, TooLarge

if TYPE_CHECKING:
    from noria.serving.http.server import HttpServer

_JOINABLE_BYTES = 1 << 16
_LINGER_SECONDS = 2.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NAMES: dict[bytes, str] = {}
_MOST_NAMES = 512


def _name(raw: bytes) -> str:
    """A header's name in lower case; the usual ones are made once."""
    name = _NAMES.get(raw)
    if name is None:
        name = raw.lower().decode("latin-1")
        if len(_NAMES) < _MOST_NAMES:
            _NAMES[raw] = name
    return name


class Connection(asyncio.Protocol):
    """The server's side of one connection. Its server looks at it every second and closes what takes too long."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._limits = server.limits
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[tuple[Request | Response, bool]] = deque()
        self._pending: asyncio.Future[Response] | None = None
        self._paused = self._held = False
        self._last = self._lingering = False
        """Whether no further request is read, and whether the answer is out and the rest is only thrown away."""
        self._fresh = True
        self._begun: float | None = None
        self._since = 0.0
        self._received = self._unread_head = self._head_size = self._header_count = 0
        self._in_head = True
        self._target, self._body = b"", b""
        self._more: bytearray | None = None
        self._headers: dict[str, str] = {}

    # what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._since = self._server.now()
        self._server.connections.add(self)
        if len(self._server.connections) > self._limits.connections:
            full = Overloaded("this server has no place for another connection", hint="try again in a moment")
            self._refuse(full)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.lost(self)
        self._queue.clear()
        self._last = True

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        if self._fresh:
            self._fresh = False
            if data.startswith(b"PRI") and self._preface(data):
                return
        if self._begun is None:
            self._begun = self._server.now()
        self._received += len(data)
        if self._in_head:
            self._unread_head += len(data)
        self._feed(data)
        if self._in_head and self._unread_head > self._limits.head and not self._last:
            self._refuse(self._too_long())

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # nothing to upgrade to: it was answered as it stands, and is the last
            self._last = True
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, NoriaError) else BadPayload("the request cannot be read"))
        except httptools.HttpParserError as error:
            if not self._last:
                self._refuse(BadPayload(f"this cannot be read as a request: {error}", hint="see RFC 9112"))

    def eof_received(self) -> bool:
        return self._pending is not None or bool(self._queue)

    def pause_writing(self) -> None:
        self._paused, self._since = True, self._server.now()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        self._go_on()

    # what the parser calls

    def on_message_begin(self) -> None:
        self._in_head = True
        self._headers, self._header_count, self._head_size = {}, 0, 0
        self._target, self._body, self._more = b"", b"", None

    def on_url(self, url: bytes) -> None:
        """Comes in the pieces that the network made."""
        self._target += url
        self._head_size += len(url)
        if self._head_size > self._limits.head:
            raise self._too_long()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        self._head_size += len(name) + len(value)
        if self._header_count > self._limits.headers or self._head_size > self._limits.head:
            raise self._too_long()
        if not self._in_head:
            return  # a trailer says nothing that is asked for here
        known = _name(name)
        text = value.decode("latin-1")
        if known in self._headers:
            if known == "host":
                raise BadPayload("the request names two hosts")
            text = f"{self._headers[known]}, {text}"
        self._headers[known] = text

    def on_headers_complete(self) -> None:
        self._in_head, self._unread_head = False, 0
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise UnknownVersion(f"HTTP/{version} is not spoken here", hint="use HTTP/1.1")
        if version == "1.1" and "host" not in self._headers:
            raise BadPayload("the request names no host", hint="RFC 9112, section 3.2, wants one")
        if int(self._headers.get("content-length", "0")) > self._limits.body:
            raise self._too_large()
        expected = self._headers.get("expect")
        if expected is not None:
            if expected.lower() != "100-continue":
                raise ExpectationFailed(f"cannot meet the expectation {expected[:40]!r}")
            if self._pending is None and not self._queue:
                self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        if self._more is not None:
            self._more += body
        elif self._body:
            self._more = bytearray(self._body)
            self._more += body
        else:
            self._body = body
        if len(self._more if self._more is not None else self._body) > self._limits.body:
            raise self._too_large()

    def on_message_complete(self) -> None:
        body = self._body if self._more is None else bytes(self._more)
        path, query = split_target(self._target)
        request = Request(self._parser.get_method().decode(), path, self._headers, body, query)
        keep = self._parser.should_keep_alive() and not self._server.draining
        self._begun, self._received, self._since = None, 0, self._server.now()
        self._in_head, self._more = True, None
        if not keep:
            self._last = True
        if self._pending is None and not self._paused and not self._queue:
            self._answer(request, keep)
        else:
            self._queue.append((request, keep))
            if len(self._queue) >= self._limits.pipelined and not self._held:
                self._held = True
                self._transport.pause_reading()

    # answers

    def _answer(self, request: Request, keep: bool) -> None:
        response = self._begin(request)
        if isinstance(response, Response):
            self._send(request, response, keep)
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
                return refusal(error)
            request = Request(request.method, request.path, request.headers, body, request.query)
        response = self._server.begin(request)
        if not isinstance(response, Response) and self._server.waiting >= self._limits.waiting:
            close = getattr(response, "close", None)
            if close is not None:
                close()
            return refusal(Overloaded("too many requests wait for their answers", hint="try again in a moment"))
        return response

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
        server = self._server
        headers = request.headers
        if "accept-encoding" in headers:
            response = compressed(response, headers["accept-encoding"])
        named = request_id(headers) or server.next_id()
        keep = keep and not server.draining
        self._transport.write(encode(response, named, server.date, keep=keep, bodiless=request.method == "HEAD"))
        if server.access is not None:
            server.access(request, response, named, server.now() - self._since, self._transport)
        if not keep:
            self._last = True
            self._transport.close()

    def _refuse(self, error: NoriaError) -> None:
        """Answer with an error after whatever waits, and read no more."""
        self._last = True
        if self._pending is None and not self._queue:
            self._finish(refusal(error))
        else:
            self._queue.append((refusal(error), False))

    def _finish(self, response: Response) -> None:
        """The last answer. What the client still sends is thrown away for a moment: closing now would reset it away."""
        self._transport.write(encode(response, self._server.next_id(), self._server.date, keep=False))
        self._lingering, self._since = True, self._server.now()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _preface(self, data: bytes) -> bool:
        """HTTP/2 is handed to whoever speaks it; True when it was."""
        takes = self._server.http2
        if takes is None or not data.startswith(_PREFACE[: len(data)]):
            return False
        self._server.lost(self)
        other: Any = takes()
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        other.data_received(data)
        return True

    # what the server asks

    @property
    def idle(self) -> bool:
        """Whether nothing of a request is here."""
        return self._begun is None and self._pending is None and not self._queue

    def look(self, now: float) -> None:
        """Close what has taken too long."""
        if self._lingering:
            if now - self._since > _LINGER_SECONDS:
                self._transport.abort()
        elif self._paused:
            if now - self._since > self._limits.stalled_seconds:
                self._transport.abort()
        elif self._begun is not None and not self._last:
            if now - self._begun > self._limits.request_seconds + self._received / self._limits.slowest:
                self._refuse(TooSlow("the request did not arrive in time", hint="send it without pauses"))
        elif self.idle and now - self._since > self._limits.idle_seconds:
            self._transport.close()

    def drain(self) -> None:
        """Close when idle; otherwise after the answer that is being made."""
        if self.idle:
            self._transport.close()

    def abort(self) -> None:
        """Close without another word."""
        self._transport.abort()

    def _too_long(self) -> HeadTooLarge:
        most = self._limits
        return HeadTooLarge(f"the head of the request has more than {most.head:,} bytes or {most.headers} headers")

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._limits.body:,} bytes", hint="send it in pieces")
