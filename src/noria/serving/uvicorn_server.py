"""uvicorn as we want it: it says when it is ready and returns after a signal."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from noria.serving.asgi import Asgi
    from noria.serving.http.tls import Tls


class Server(uvicorn.Server):
    """One worker on uvloop and httptools; after SIGTERM or SIGINT it answers what it accepted, and `run` returns."""

    def __init__(self, application: Asgi, ready: Callable[[], None], tls: Tls | None = None) -> None:
        config = uvicorn.Config(
            application,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=75,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
            ssl_ca_certs=str(tls.clients) if tls and tls.clients else None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.clients else ssl.CERT_NONE,
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell that requests are accepted from now on."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not raise the signal again at the end: whoever called `run` has things to close."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()
