"""A data plane with everything through which it is reached, until a signal comes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from noria.serving.data_plane import DataPlane, OnViews
from noria.serving.engines import HttpOptions, run_engine
from noria.serving.followers.leading import Leading
from noria.serving.footprint import use_systems_pool
from noria.serving.graphs.model import GraphSpec
from noria.serving.grpc.lanes import Lanes
from noria.serving.model import ServedModel
from noria.serving.sockets import listen
from noria.serving.witness import UNSEEN, open_witness
from noria.workspace.workspace import Workspace

if TYPE_CHECKING:
    from noria.serving.grpc.method import Methods


def run_data_plane(
    ws: Workspace,
    models: Mapping[str, ServedModel],
    functions: Mapping[str, Callable[..., Any]],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    grpc_port: int | None = None,
    replay: bool = False,
    http: HttpOptions | None = None,
    listening: socket.socket | None = None,
    on_views: OnViews | None = None,
    memory: int | None = None,
    graphs: Sequence[GraphSpec] = (),
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT: accepted requests are answered, then the log is sealed.

    `listening` is a socket that is bound already, for whoever starts several servers: this one then leads the others
    (`followers`); `host` is only told on.
    `on_ready` is told the URL as soon as requests are accepted; port 0 takes a free one. With
    `grpc_port` gRPC is spoken there. Models take `memory` bytes at most; `graphs` are served beside them.
    Raises Conflict when a port is taken or another data plane has the workspace.
    """
    leads = listening is not None
    listening = listening or listen(host, port)
    scheme = "https" if http is not None and http.tls is not None else "http"
    address = f"{scheme}://{host}:{listening.getsockname()[1]}"

    def ready() -> None:
        if on_ready is not None:
            on_ready(address)

    options, witness = http or HttpOptions(), UNSEEN
    try:
        use_systems_pool()
        witness = open_witness(ws.clock, access_log=options.access_log)
        plane = DataPlane(ws, models, functions, replay=replay, on_views=on_views, memory=memory, graphs=graphs)
        try:
            lanes = Lanes(plane, host, grpc_port, witness, options.tls)
        except BaseException:
            plane.close()
            raise
        life = plane.running(lanes, _leading(plane)) if leads else plane.running(lanes)
        run_engine(plane.app, life, listening, options, ready, witness, lanes.http2)
    finally:
        witness.close()
        listening.close()


def _leading(plane: DataPlane) -> Leading:
    def methods() -> Methods:
        from noria.serving.grpc.services import Services

        return Services(plane).methods

    return Leading(plane.folder, plane.app, plane.log, plane.metrics, methods)
