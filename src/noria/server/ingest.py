"""The door for Noria's own client: batches of its spool, and the bytes of its files.

    GET  /api/noria/ingest?spool=ID            {"position": 17}
    POST /api/noria/ingest?spool=ID&first=17   {"position": 42, "refused": [{"position": 20, "reason": "..."}]}
    HEAD /api/noria/blobs/DIGEST               200 or 404
    PUT  /api/noria/blobs/DIGEST               201; 400 when the bytes are not those

A batch that does not follow on what was taken before is answered with 409 and the position expected.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import IO, Any
from urllib.parse import parse_qs

import msgspec

from noria.core.errors import BadInput, NoriaError, StorageFull
from noria.stores.disk import NO_ROOM
from noria.tracking.answers import BLOBS, INGEST, Gap
from noria.tracking.ingest import position_of, take_in_records
from noria.tracking.records import decode_batch
from noria.workspace.workspace import Workspace

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = tuple[int, Any]

MOST_BYTES = 32 << 20
"""A batch is at most so large; clients send about a megabyte."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Gone(Exception):
    """The client went away before its body was complete."""


class TooLarge(BadInput):
    """A batch larger than is taken at once."""

    code = "N7140"
    status = 413


def takes(path: str) -> bool:
    """Whether a path is for this door."""
    return path == INGEST or path.startswith(f"{BLOBS}/")


def ingest_app(ws: Workspace, most_bytes: int = MOST_BYTES) -> Asgi:
    """The application for the paths that `takes` names. Work on the stores is done in threads."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] == INGEST:
                status, answer = await _ingest(ws, scope, receive, most_bytes)
            else:
                status, answer = await _blob(ws, scope, receive)
        except _Gone:
            return
        except Gap as error:
            status, answer = 409, {**error.as_dict(), "position": error.position}
        except NoriaError as error:
            status, answer = error.status, error.as_dict()
        await _send(send, status, answer, head=scope["method"] == "HEAD", close=status >= 400)

    return run


async def _ingest(ws: Workspace, scope: Scope, receive: Receive, most_bytes: int) -> Answer:
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    spool = query.get("spool", "")
    if scope["method"] == "GET":
        return 200, {"position": await asyncio.to_thread(position_of, ws, spool)}
    if scope["method"] != "POST":
        return 405, {"error": "GET and POST are understood here"}
    first = query.get("first", "")
    if not (first.isascii() and first.isdecimal()) or len(first) > 18:
        raise BadInput("a batch says in `first` which number its first record has")
    body = bytearray()
    async for chunk in _chunks(receive):
        body += chunk
        if len(body) > most_bytes:
            raise TooLarge(f"a batch has at most {most_bytes:,} bytes", hint="send fewer records at once")
    return 200, await asyncio.to_thread(lambda: take_in_records(ws, spool, int(first), decode_batch(bytes(body))))


async def _blob(ws: Workspace, scope: Scope, receive: Receive) -> Answer:
    digest = scope["path"].removeprefix(f"{BLOBS}/")
    if _DIGEST.fullmatch(digest) is None:
        raise BadInput("a blob is named by its SHA-256: 64 hexadecimal digits")
    known = await asyncio.to_thread(ws.blobs.exists, digest)
    if scope["method"] == "HEAD":
        return (200 if known else 404), None
    if scope["method"] != "PUT":
        return 405, {"error": "HEAD and PUT are understood here"}
    return await _take_blob(ws, digest, receive)


async def _take_blob(ws: Workspace, digest: str, receive: Receive) -> Answer:
    """Take bytes into a file beside the blobs, and into these once they are what was said."""
    temporary = ws.folder("incoming") / secrets.token_hex(16)
    try:
        with temporary.open("wb") as file:
            async for chunk in _chunks(receive):
                await asyncio.to_thread(_write, file, chunk)
        kept = await asyncio.to_thread(ws.blobs.put_file, temporary)
    finally:
        with suppress(OSError):
            temporary.unlink()
    if kept != digest:
        raise BadInput(f"these are the bytes of {kept[:12]}, not of {digest[:12]}")
    return 201, {"digest": digest}


def _write(file: IO[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull("no room left for what is sent", hint="free room on the server") from error
        raise


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _send(send: Send, status: int, answer: Any, *, head: bool, close: bool) -> None:
    body = b"" if answer is None else msgspec.json.encode(answer)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if close:  # what is left of the body was not read, so the connection cannot be used again
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
