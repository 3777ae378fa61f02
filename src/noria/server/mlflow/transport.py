"""One request as ASGI brings it, and the ways in which an answer leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from noria.server.mlflow.faults import INVALID, Refused

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
_CLOSE: Header = (b"connection", b"close")
_THROWN_AWAY = 16 << 20


class Gone(Exception):
    """The client went away before its request was complete."""


@dataclass
class Exchange:
    """A request, and the way its answer leaves.

    `begun` says whether an answer has begun to leave, `read` whether all of the request's body has come.
    """

    scope: Scope
    receive: Receive
    send: Send
    begun: bool = False
    read: bool = False

    @property
    def method(self) -> str:
        """The method, where HEAD is GET without a body."""
        method = str(self.scope["method"])
        return "GET" if method == "HEAD" else method

    @property
    def path(self) -> str:
        """The path, percent-decoded once."""
        return str(self.scope["path"])

    @property
    def query(self) -> bytes:
        """The query, as it was sent."""
        return bytes(self.scope["query_string"])

    @cached_property
    def headers(self) -> dict[bytes, bytes]:
        """The headers, by their names in lower case; of one sent twice the last."""
        return dict(self.scope["headers"])

    @cached_property
    def length(self) -> int | None:
        """How many bytes the body has, if the client says so. Raises Refused for what is no number."""
        told = self.headers.get(b"content-length")
        if told is None:
            return None
        if not told.isdigit() or len(told) > 18:
            raise Refused(INVALID, "The content-length is no number.")
        return int(told)

    async def body(self, most: int) -> bytes:
        """The whole body. Raises Refused when it is larger than `most`, as soon as that shows; Gone."""
        if (self.length or 0) > most:
            raise self._too_large(most)
        message = await self.receive()
        if message["type"] == "http.request" and not message.get("more_body"):  # small ones come in one piece
            self.read = True
            return bytes(message.get("body", b""))
        body = bytearray(message.get("body", b""))
        if message["type"] == "http.disconnect":
            raise Gone
        async for chunk in self.chunks():
            body += chunk
            if len(body) > most:
                await self._throw_away()
                raise self._too_large(most)
        return bytes(body)

    async def _throw_away(self) -> None:
        """Read on for a while without keeping anything: who is cut off while sending may lose the answer."""
        thrown = 0
        async for chunk in self.chunks():
            thrown += len(chunk)
            if thrown > _THROWN_AWAY:
                return

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece as it comes. Raises Gone."""
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Gone
            self.read = not message.get("more_body")
            if chunk := message.get("body"):
                yield chunk
            if self.read:
                return

    async def answer(self, status: int, body: bytes, headers: Iterable[Header] = (JSON,)) -> None:
        """A whole answer."""
        sent = [*headers, NO_SNIFFING, (b"content-length", b"%d" % len(body))]
        await self.begin(status, sent)
        await self.send({"type": "http.response.body", "body": b"" if self.scope["method"] == "HEAD" else body})

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        """The beginning of an answer. When the body was not read the connection cannot be used again."""
        sent = list(headers)
        if status >= 400 and not self.read and (self.length or b"transfer-encoding" in self.headers):
            sent.append(_CLOSE)
        self.begun = True
        await self.send({"type": "http.response.start", "status": status, "headers": sent})

    def _too_large(self, most: int) -> Refused:
        return Refused(INVALID, f"The request's body is larger than {most:,} bytes.", status=413)
