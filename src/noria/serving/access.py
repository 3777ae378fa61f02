"""The access log: one line of JSON for every answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TextIO

import msgspec

from noria.core.clock import Clock, show_moment
from noria.serving.model import Request, Response

_encoder = msgspec.json.Encoder()


def trace_id(headers: Mapping[str, str]) -> str | None:
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
        """Note an answer to an HTTP request."""
        peer, size = transport.get_extra_info("peername"), len(response.body)
        trace = trace_id(request.headers)
        self.note(
            request_id, request.method, request.path, response.status, size, seconds, peer[0] if peer else None, trace
        )

    def note(
        self, name: str, method: str, path: str, status: int, size: int, seconds: float, peer: str | None,
        trace: str | None,
    ) -> None:  # fmt: skip
        """Note an answer of `size` bytes to the request with the id `name`."""
        line = {
            "at": show_moment(self._clock.now()), "id": name, "method": method, "path": path[:1000],
            "status": status, "bytes": size, "ms": round(seconds * 1000, 3), "peer": peer, "trace": trace,
        }  # fmt: skip
        self._stream.write(_encoder.encode(line).decode() + "\n")
        self._stream.flush()
