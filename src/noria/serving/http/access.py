"""The access log: one line of JSON for every answer."""

from __future__ import annotations

import asyncio
from typing import Any, TextIO

import msgspec

from noria.core.clock import Clock, show_moment
from noria.serving.model import Request, Response

_encoder = msgspec.json.Encoder()


def trace_id(headers: Any) -> str | None:
    """The trace that a request belongs to, by its `traceparent` (W3C Trace Context, level 1); None for none."""
    parts = headers.get("traceparent", "").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or parts[1].strip("0123456789abcdef") or not parts[1].strip("0"):
        return None
    return str(parts[1])


class AccessLog:
    """Writes answers to a stream. What a client sent is written as JSON text, so it cannot begin a line of its own."""

    def __init__(self, clock: Clock, stream: TextIO) -> None:
        self._clock = clock
        self._stream = stream

    def __call__(
        self, request: Request, response: Response, request_id: str, seconds: float, transport: asyncio.Transport
    ) -> None:
        peer = transport.get_extra_info("peername")
        line = {
            "at": show_moment(self._clock.now()),
            "id": request_id, "method": request.method, "path": request.path[:1000],
            "status": response.status, "bytes": len(response.body), "ms": round(seconds * 1000, 3),
            "peer": peer[0] if peer else None, "trace": trace_id(request.headers),
        }  # fmt: skip
        self._stream.write(_encoder.encode(line).decode() + "\n")
        self._stream.flush()
