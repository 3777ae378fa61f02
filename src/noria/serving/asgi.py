"""The application behind any ASGI server: bodies are gathered up to a limit, the lifespan is passed on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from noria.serving.app import App
from noria.serving.model import Request, Response, TooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 10_000_000


class _Gone(Exception):
    """The client went away before its body was complete."""


def asgi(app: App, life: AbstractAsyncContextManager[Any] | None = None, most_bytes: int = MOST_BYTES) -> Asgi:
    """An ASGI application; `life` is entered at start-up and left at shutdown, when all requests are answered."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _serve(app, most_bytes, scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(life or nullcontext(), receive, send)

    return run


async def _serve(app: App, most_bytes: int, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    extra: tuple[tuple[bytes, bytes], ...] = ()
    try:
        body = await _body(headers.get("content-length", ""), most_bytes, receive)
        query = scope["query_string"].decode("latin-1")
        response = await app.handle(Request(scope["method"], scope["path"], headers, body, query))
    except TooLarge as error:  # the rest of the body is never read, so the connection cannot be used again
        response, extra = app.refuse(scope["path"], error), ((b"connection", b"close"),)
    except _Gone:
        return
    await send({"type": "http.response.start", "status": response.status, "headers": [*_headers(response), *extra]})
    await send({"type": "http.response.body", "body": response.body})


async def _body(announced: str, most: int, receive: Receive) -> bytes:
    too_large = TooLarge(f"the body is larger than {most:,} bytes", hint="send it in pieces")
    if announced.isdecimal() and int(announced[:19]) > most:
        raise too_large
    message = await receive()
    chunks: list[bytes] = [message.get("body", b"")]
    size = len(chunks[0])
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise too_large
    if message["type"] == "http.disconnect":
        raise _Gone
    return b"".join(chunks)


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    more = ((name.encode(), value.encode()) for name, value in response.headers.items())
    length = str(len(response.body)).encode()
    return [(b"content-type", response.content_type.encode()), (b"content-length", length), *more]


async def _live(life: AbstractAsyncContextManager[Any], receive: Receive, send: Send) -> None:
    await receive()
    async with life:
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
