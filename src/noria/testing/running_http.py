"""A server in a thread of its own around a function, and bare sockets to speak to it with."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import uvloop

from noria.serving.http.limits import Limits
from noria.serving.http.server import HttpServer
from noria.serving.model import Request, Response
from noria.serving.sockets import listen


def echo(request: Request) -> Response:
    """What arrived, told back."""
    told = {
        "method": request.method, "path": request.path, "query": request.query, "headers": request.headers,
        "body": request.body.decode("latin-1"),
    }  # fmt: skip
    return Response(200, msgspec.json.encode(told))


class Running:
    """A server that is up, seen from outside; `server` is looked into only to wait for something."""

    def __init__(self, server: HttpServer, tls: Any = None) -> None:
        self.server = server
        self._listening = listen("127.0.0.1", 0)
        self.port = self._listening.getsockname()[1]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(tls,))
        self._thread.start()
        self._ready.wait()

    def _run(self, tls: Any) -> None:
        async def main() -> None:
            self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
            await self.server.serve([self._listening], self._stop, self._ready.set, tls)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def say(self, raw: bytes) -> bytes:
        """Everything that comes back on a new connection until the server closes it or half of it is ours to close."""
        with self.connect() as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)

    def begin_stop(self) -> None:
        """Ask it to drain, as SIGTERM does."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self) -> None:
        """Drain and wait for the end."""
        if self._thread.is_alive():
            self.begin_stop()
            self._thread.join()
        self._listening.close()


def read_all(connection: socket.socket) -> bytes:
    """What comes until the end."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def read_one(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of one response on a connection that stays open."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1 << 16)
        if not more:
            return data, b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head, body


@contextmanager
def served(begin: Any = echo, **limits: Any) -> Iterator[Running]:
    """The same where a fixture does not live long enough."""
    running = Running(HttpServer(begin, Limits(**limits)))
    try:
        yield running
    finally:
        running.stop()
