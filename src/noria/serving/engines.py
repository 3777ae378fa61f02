"""What carries the application over HTTP: our own server, or uvicorn or granian where somebody wants theirs."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from noria.core.errors import NoriaError
from noria.serving.http.limits import Limits
from noria.serving.http.tls import Tls
from noria.serving.model import NotReady
from noria.serving.witness import Witness

if TYPE_CHECKING:
    from noria.serving.app import App

Engine = Literal["noria", "uvicorn", "granian"]
Life = AbstractAsyncContextManager[Any]
Ready = Callable[[], None]


class NotInstalled(NoriaError):
    """An engine was asked for that is not installed."""

    code = "N6036"


@dataclass(frozen=True)
class HttpOptions:
    """How HTTP is served. `access_log`: our own engine and gRPC write a line of JSON an answer to standard output."""

    engine: Engine = "noria"
    limits: Limits = field(default_factory=Limits)
    tls: Tls | None = None
    access_log: bool = False


def run_engine(
    app: App,
    life: Life,
    listening: socket.socket,
    options: HttpOptions,
    ready: Ready,
    witness: Witness,
    http2: Callable[[], asyncio.Protocol] | None = None,
) -> None:
    """Serve within `life` until SIGTERM or SIGINT; accepted requests are answered first. Our own tells the witness.

    Raises NotInstalled, BadCertificate, or what entering `life` raises.
    """
    if options.engine == "uvicorn":
        _uvicorn(app, life, listening, options, ready)
    elif options.engine == "granian":
        _granian(app, life, listening, options, ready)
    else:
        _own(app, life, listening, options, ready, witness, http2)


def _own(
    app: App,
    life: Life,
    listening: socket.socket,
    options: HttpOptions,
    ready: Ready,
    witness: Witness,
    http2: Callable[[], asyncio.Protocol] | None,
) -> None:
    from noria.serving.http.server import HttpServer, run

    tls = options.tls.context(http2=http2 is not None) if options.tls is not None else None
    begin = app.begin if witness.spans is None else witness.spans.traced(app.begin)
    server = HttpServer(begin, options.limits, refuse=app.refuse, access=witness.access, http2=http2)
    run(server, [listening], life, ready, tls)


def _uvicorn(app: App, life: Life, listening: socket.socket, options: HttpOptions, ready: Ready) -> None:
    from noria.serving.asgi import asgi
    from noria.serving.uvicorn_server import Server

    server = Server(asgi(app, life, options.limits.body), ready, options.tls)
    server.run(sockets=[listening])
    if not server.started:
        raise NotReady("the server did not start", hint="its log tells why")


def _granian(app: App, life: Life, listening: socket.socket, options: HttpOptions, ready: Ready) -> None:
    """Granian inside our loop. It binds by itself, so the address is given back to it just before."""
    try:
        from granian.constants import Interfaces
        from granian.log import LogLevels
        from granian.server.embed import Server
    except ImportError as error:
        raise NotInstalled("granian is not installed", hint="pip install 'noria[granian]'") from error
    import uvloop

    from noria.serving.asgi import asgi

    host, port = listening.getsockname()[:2]
    listening.close()

    async def main() -> None:
        server = Server(
            asgi(app, None, options.limits.body), address=host, port=port, interface=Interfaces.ASGINL,
            websockets=False, log_level=LogLevels.error, ssl_cert=options.tls.certificate if options.tls else None,
            ssl_key=options.tls.key if options.tls else None,
        )  # fmt: skip
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with life:
            serving = asyncio.create_task(server.serve())
            await _answers(host, port, serving)
            ready()
            await stop.wait()
            server.stop()  # type: ignore[no-untyped-call]
            await serving

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def _answers(host: str, port: int, serving: asyncio.Task[None]) -> None:
    """Wait until connections are accepted. Raises what serving ended with instead."""
    while True:
        if serving.done():
            await serving
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
