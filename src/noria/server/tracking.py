"""`noria server`: tracking and the registry for everybody who speaks MLflow, and for Noria's own client.

One process: MLflow's protocol, the door for spooled batches (`ingest`), and a thread that looks after what was
written: long series are sealed, webhooks are delivered.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from noria.core.clock import monotonic
from noria.core.errors import NoriaError
from noria.registry import outbox
from noria.registry.posting import poster
from noria.server import ingest
from noria.server.mlflow.app import Application, mlflow_app
from noria.server.mlflow.transport import Asgi, Receive, Scope, Send
from noria.server.mlflow.webhooks import allowed
from noria.tracking import artifacts, history
from noria.workspace.workspace import Workspace

_LOOK_EVERY = 2.0
"""Seconds between two looks of the maintenance thread."""
_SEAL_EVERY = 30.0
"""Seconds between two times that long series are packed: finding them looks at every point that is not packed yet."""
_TIDY_EVERY = 3600.0
"""Seconds between two times that what nobody needs any more is removed."""
_DAY = 86_400_000_000
_UNFINISHED_FOR, _SENT_FOR = _DAY, 7 * _DAY
"""Microseconds that a half-written upload may lie there, and that a delivered notice is remembered."""
_PATIENCE = 10.0
"""Seconds that it has to finish when the server stops."""

_log = logging.getLogger("noria.server")


def tracking_app(ws: Workspace, mlflow: Application) -> Asgi:
    """One application for both doors; while it lives, a thread looks after what was written."""
    own = ingest.ingest_app(ws)

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(ws, mlflow, receive, send)
        else:
            await (own if ingest.takes(scope["path"]) else mlflow)(scope, receive, send)

    return run


def run_server(
    ws: Workspace,
    *,
    host: str,
    port: int,
    hosts: frozenset[str] | None = None,
    page: Path | None = None,
    on_ready: Callable[[str], None] = print,
) -> None:
    """Answer until SIGTERM or SIGINT, then finish what was begun. `on_ready` is told the server's address.

    `hosts` and `page` as `mlflow_app` takes them. Raises Conflict when the port is taken.
    """
    from noria.serving.sockets import listen
    from noria.serving.uvicorn_server import Server

    listening = listen(host, port)
    url = f"http://{_named(host)}:{listening.getsockname()[1]}"
    application = tracking_app(ws, mlflow_app(ws, hosts=hosts, page=page))
    Server(application, lambda: on_ready(url)).run(sockets=[listening])


async def _live(ws: Workspace, mlflow: Application, receive: Receive, send: Send) -> None:
    await receive()
    stop = threading.Event()
    keeper = threading.Thread(target=maintain, args=(ws, stop), name="maintenance", daemon=True)
    keeper.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    stop.set()
    await asyncio.to_thread(keeper.join, _PATIENCE)
    await asyncio.to_thread(mlflow.close)
    await send({"type": "lifespan.shutdown.complete"})


def maintain(ws: Workspace, stop: threading.Event, every: float = _LOOK_EVERY) -> None:
    """Look after what was written, again and again until told to stop. What fails is tried at the next look."""
    sealed, tidied = monotonic(), float("-inf")
    while not stop.wait(every):
        try:
            look_after(ws)
            if monotonic() - sealed >= _SEAL_EVERY:
                history.seal(ws)
                sealed = monotonic()
            if monotonic() - tidied >= _TIDY_EVERY:
                tidy(ws)
                tidied = monotonic()
        except NoriaError as error:
            _log.warning("maintenance waits: %s", error)
        except Exception:
            _log.exception("maintenance failed")


def look_after(ws: Workspace) -> None:
    """Deliver what webhooks are owed."""
    outbox.deliver(ws, poster(allowed()))


def tidy(ws: Workspace) -> None:
    """Remove uploads that were broken off a day ago, and the memory of notices delivered a week ago."""
    now = ws.clock.now()
    artifacts.forget_unfinished(ws, now - _UNFINISHED_FOR)
    outbox.forget_sent(ws, now - _SENT_FOR)


def _named(host: str) -> str:
    """The address as a client writes it: a server that listens everywhere is reached here, too."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
