"""The server around its connections: sockets, time limits, signals, and a drain in which nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from email.utils import formatdate
from typing import Any

from noria.core.errors import NoriaError
from noria.serving.http.limits import Limits
from noria.serving.http.protocol import Connection
from noria.serving.json_body import refusal
from noria.serving.model import Request, Response
from noria.serving.request_ids import new_ids

_log = logging.getLogger(__name__)

Begin = Callable[[Request], Response | Awaitable[Response]]
Refuse = Callable[[str, NoriaError], Response]
Access = Callable[[Request, Response, str, float, asyncio.Transport], None]
_BACKLOG = 2048
_SWITCH_SECONDS = 0.0005
"""How long a thread beside the loop, such as the log's, may hold the interpreter while a request waits."""
_YOUNG = 20_000
"""Objects between two looks for garbage: requests leave no circles, and a look costs what a few of them do."""


class HttpServer:
    """Connections of one process. `begin` makes a response of a request, at once or awaitably, and never raises.

    `refuse` makes the response to what `begin` is not asked, of the path as far as it is known. `http2` makes the
    protocol that a connection is handed to when it begins with HTTP/2's preface. `access` is told every answer.
    """

    def __init__(
        self,
        begin: Begin,
        limits: Limits | None = None,
        *,
        refuse: Refuse = lambda _path, error: refusal(error),
        access: Access | None = None,
        http2: Callable[[], asyncio.Protocol] | None = None,
    ) -> None:
        self.begin = begin
        self.limits = limits or Limits()
        self.refuse = refuse
        self.access = access
        self.http2 = http2
        self.connections: set[Connection] = set()
        self.waiting = 0
        self.draining = False
        self.date = b""
        self.now: Callable[[], float] = lambda: 0.0
        self.next_id = new_ids()
        self._empty: asyncio.Event | None = None

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if self._empty is not None and not self.connections:
            self._empty.set()

    async def serve(
        self,
        sockets: Sequence[socket.socket],
        stop: asyncio.Event,
        ready: Callable[[], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Accept until `stop` is set; then answer what was begun, and return when every connection is closed."""
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self._tick()
        listeners = [
            await loop.create_server(lambda: Connection(self), sock=one, ssl=tls, backlog=_BACKLOG) for one in sockets
        ]
        looking = asyncio.create_task(self._look())
        try:
            ready()
            await stop.wait()
        finally:
            for one in listeners:
                one.close()
            await self._drain()
            looking.cancel()

    async def _drain(self) -> None:
        self.draining = True
        self._empty = asyncio.Event()
        for connection in list(self.connections):
            connection.drain()
        if not self.connections:
            return
        try:
            await asyncio.wait_for(self._empty.wait(), self.limits.drain_seconds)
        except TimeoutError:
            _log.warning("%d connections did not end in time; they are closed", len(self.connections))
            for connection in list(self.connections):
                connection.abort()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._tick()
            now = self.now()
            for connection in list(self.connections):
                connection.look(now)

    def _tick(self) -> None:
        self.date = formatdate(usegmt=True).encode()


def run(
    server: HttpServer,
    sockets: Sequence[socket.socket],
    life: AbstractAsyncContextManager[Any],
    ready: Callable[[], None],
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve within `life` until SIGTERM or SIGINT: then drain, and leave `life` when every answer is out."""
    import uvloop

    sys.setswitchinterval(_SWITCH_SECONDS)

    def begin() -> None:
        gc.collect()
        gc.set_threshold(_YOUNG)
        gc.freeze()  # what was loaded stays: looking through it again and again stops the loop for 100 ms
        ready()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with life:
            await server.serve(sockets, stop, begin, tls)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
