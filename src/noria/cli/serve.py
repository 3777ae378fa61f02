"""`noria serve`: the data plane alone."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from noria.cli.opening import HERE, Folder, open_project

if TYPE_CHECKING:
    from noria.features.model import ViewSpec
    from noria.features.online.features import OnlineFeatures
    from noria.workspace.workspace import Workspace


PLATFORM_PORTS = ("AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT")
"""How Vertex AI and SageMaker tell a container its port; their health checks come from outside of it."""


def command(
    model: Annotated[str | None, typer.Argument(help="MODEL, MODEL@ALIAS or GRAPH; all when left out.")] = None,
    project: Folder = HERE,
    host: Annotated[
        str,
        typer.Option(help="The address to listen on; every one where a platform gives the port.", show_default=False),
    ] = "",
    port: Annotated[
        int, typer.Option(help="The port to listen on; 0 picks a free one.", envvar=list(PLATFORM_PORTS))
    ] = 8400,
    grpc_port: Annotated[int | None, typer.Option(help="Speak gRPC too, on this port; needs noria[grpc].")] = None,
    engine: Annotated[Literal["noria", "uvicorn", "granian"], typer.Option(help="What speaks HTTP.")] = "noria",
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file of the certificate; wants --tls-key.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
    tls_clients: Annotated[
        Path | None, typer.Option(help="PEM file of an authority; only clients with its certificates are let in.")
    ] = None,
    standby: Annotated[
        bool, typer.Option(help="Keep a second process ready, which goes on at once when the first one dies.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer, on as many processors.")] = 1,
    follow: Annotated[bool, typer.Option(hidden=True)] = False,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    access_log: Annotated[bool, typer.Option(help="Write a line of JSON an answer to standard output.")] = False,
    replay: Annotated[bool, typer.Option(help="Let the caller say what time it is.")] = False,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Answer predictions; needs nobody else to be alive."""
    from noria.config.environment import environment
    from noria.core.clock import ManualClock
    from noria.core.errors import BadInput
    from noria.registry.model import PRODUCTION
    from noria.server.supervisor import end_with_parent
    from noria.serving.engines import HttpOptions
    from noria.serving.http.tls import Tls
    from noria.serving.running import run_data_plane
    from noria.serving.turns import turn

    if with_parent:
        end_with_parent()
    host = host or ("0.0.0.0" if any(environment().get(name) for name in PLATFORM_PORTS) else "127.0.0.1")
    if standby or workers > 1:
        _keep_several(host, port, engine, workers, standby=standby, replay=replay)
        return
    if (tls_certificate is None) != (tls_key is None):
        raise BadInput("TLS wants a certificate and its key", hint="give both --tls-certificate and --tls-key")
    tls = Tls(tls_certificate, tls_key, tls_clients) if tls_certificate is not None and tls_key is not None else None
    loaded, ws = open_project(project, ManualClock() if replay else None)
    name, _, alias = (model or "").partition("@")
    plans, graphs = loaded.plan.serving(name or None)
    served = {plan.name: plan.served(alias or PRODUCTION) for plan in plans}

    def fill(online: OnlineFeatures, _: Sequence[ViewSpec]) -> None:
        backfill(ws, online)

    options = HttpOptions(engine, tls=tls, access_log=access_log)
    listening = None if listen_fd is None else socket.socket(fileno=listen_fd)
    if follow and listening is not None:
        from noria.serving.followers.follower import run_follower

        run_follower(ws, served, loaded.functions, listening, http=options, graphs=graphs)
        return
    with turn(ws.folder("serving")) if listening is not None else nullcontext():
        run_data_plane(
            ws, served, loaded.functions, host=host, port=port, grpc_port=grpc_port, replay=replay, on_views=fill,
            memory=loaded.plan.memory, graphs=graphs, http=options, listening=listening,
            on_ready=lambda url: print(f"noria: answering at {url}", file=sys.stderr, flush=True),
        )  # fmt: skip


def _keep_several(host: str, port: int, engine: str, workers: int, *, standby: bool, replay: bool) -> None:
    """Run several processes on one socket; start again what dies, until SIGTERM or SIGINT."""
    from noria.core.errors import BadInput
    from noria.server.standby import keep_alive
    from noria.serving.sockets import listen

    if engine == "granian":
        raise BadInput("granian takes no socket that is bound already", hint="several processes want noria or uvicorn")
    if workers > 1 and replay:
        raise BadInput("in a replay the caller moves the one clock there is", hint="leave --workers out")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    command = [sys.executable, "-m", "noria.cli.main", *_without(sys.argv[1:]), "--with-parent", "--listen-fd"]
    with listen(host, port) as listening:
        keep_alive(command, listening, stop, workers=workers, standby=standby)


def _without(words: Sequence[str]) -> list[str]:
    """The command line without what only this process does."""
    kept: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--workers":
            next(left, None)
        elif word != "--standby" and not word.startswith("--workers="):
            kept.append(word)
    return kept


def backfill(ws: Workspace, online: OnlineFeatures) -> int:
    """Give views that have no history yet the rows of the snapshots accepted last; gives the rows taken in."""
    from noria.data import operations as data

    tables = {}
    for source in online.waiting():
        accepted = data.last_accepted(ws, source)
        if accepted is not None:
            tables[source] = data.read_parts(ws, accepted.parts)
    return online.backfill(tables)
