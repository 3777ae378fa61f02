"""Our own gRPC lane: connections that begin with HTTP/2's preface on the port of HTTP/1.1 are handed over to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from noria.core.clock import monotonic
from noria.serving.grpc.http2 import Http2Protocol
from noria.serving.grpc.services import Services
from noria.serving.request_ids import new_ids

_log = logging.getLogger(__name__)
MOST_BYTES = 64 << 20
"""Largest message taken."""


@dataclass(frozen=True)
class Http2Limits:
    """What a client may do. Bytes, seconds, numbers of frames."""

    connections: int = 1000
    streams: int = 256
    frame: int = 1 << 14
    stream_window: int = 4 << 20
    connection_window: int = 16 << 20
    idle_frames: int = 1000
    """Frames that may come without an answer or a part of a message: PING, RST_STREAM, SETTINGS and the like."""
    backlog: int = 1000
    """Messages of one stream that may wait to be answered."""
    unsent: int = 1 << 20
    """Bytes of answers that may wait for the client's window in a stream, or for its reading in a connection."""
    waiting: int = 1024
    request_seconds: float = 30.0
    slowest: float = 10_000.0
    """Bytes a second that a slow request must bring beyond its first seconds."""
    stalled_seconds: float = 60.0
    idle_seconds: float = 600.0
    drain_seconds: float = 10.0


class OwnLane:
    """The connections of one process. `begin` and `stop` are called in the loop of the data plane."""

    def __init__(self, services: Services, limits: Http2Limits | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.methods, self.health = services.methods, services.health
        self.limits = limits or Http2Limits()
        self.most_bytes = most_bytes
        self.waiting = 0
        self.now: Callable[[], float] = monotonic
        self.next_id = new_ids()
        self._connections: set[Http2Protocol] = set()
        self._looking: asyncio.Task[None] | None = None
        self._empty: asyncio.Event | None = None

    def protocol(self) -> Http2Protocol:
        """For a connection that begins with the preface."""
        return Http2Protocol(self)

    def begin(self) -> None:
        """Watch over connections from now on, in the running loop."""
        self.now = asyncio.get_running_loop().time
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Answer what was begun, and close every connection."""
        self.health.leave()
        self._empty = asyncio.Event()
        for one in list(self._connections):
            one.drain()
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), self.limits.drain_seconds)
        for one in list(self._connections):
            one.abort()
        if self._looking is not None:
            self._looking.cancel()

    def welcome(self, connection: Http2Protocol) -> bool:
        """Whether there is place for a connection."""
        if len(self._connections) >= self.limits.connections or self._empty is not None:
            return False
        self._connections.add(connection)
        return True

    def lost(self, connection: Http2Protocol) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        if self._empty is not None and not self._connections:
            self._empty.set()

    def looked(self) -> None:
        """An answer that was waited for is out: connections that only waited for it may close."""
        if self._empty is not None:
            for one in list(self._connections):
                one.answered()

    def failed(self, error: BaseException | None) -> None:
        """A task ended as none should."""
        _log.error("a call failed", exc_info=error)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now = self.now()
            for one in list(self._connections):
                one.look(now)
