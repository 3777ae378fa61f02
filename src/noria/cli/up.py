"""`noria up`: everything on this machine."""

from __future__ import annotations

import json as jsonlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noria.cli.opening import HERE, Folder

if TYPE_CHECKING:
    from noria.server.supervisor import Child


def command(
    project: Folder = HERE,
    port: Annotated[int, typer.Option(help="Where predictions are answered; 0 picks a free port.")] = 8400,
    control_port: Annotated[int, typer.Option(help="Where the control plane answers; 0 picks a free port.")] = 8401,
    grpc_port: Annotated[int | None, typer.Option(help="Where predictions are answered over gRPC.")] = None,
    replay: Annotated[bool, typer.Option(help="Let the caller say what time it is; for `noria replay`.")] = False,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run the data plane, the control plane and the controller together; start again what dies; stop cleanly."""
    from noria.project.load import find_module
    from noria.server.ports import free_port
    from noria.server.supervisor import Supervisor, end_with_parent

    find_module(project.resolve())
    if with_parent:
        end_with_parent()
    port, control_port = port or free_port(), control_port or free_port()
    where = {"data_plane": f"http://127.0.0.1:{port}", "control": f"http://127.0.0.1:{control_port}"}
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not with_parent:  # a replay that starts its own servers knows where they are, and nobody else may use them
        _write(project / ".noria" / "up.json", where)
    sys.stderr.write(f"noria: predictions at {where['data_plane']}, control at {where['control']}; stop with Ctrl-C\n")
    Supervisor(children(project, port, control_port, grpc_port=grpc_port, replay=replay)).run(stop)
    if not with_parent:
        (project / ".noria" / "up.json").unlink(missing_ok=True)


def children(
    project: Path, port: int, control_port: int, *, grpc_port: int | None = None, replay: bool
) -> Sequence[Child]:
    """The processes of a project: the data plane, and the control plane with the controller."""
    from noria.server.supervisor import Child

    noria = [sys.executable, "-m", "noria.cli.main"]
    common = ["--project", str(project), "--with-parent", *(["--replay"] if replay else [])]
    data_plane = f"http://127.0.0.1:{port}"
    grpc = [] if grpc_port is None else ["--grpc-port", str(grpc_port)]
    return [
        Child("data plane", [*noria, "serve", "--port", str(port), *grpc, *common]),
        Child("control plane", [*noria, "control", "--port", str(control_port), "--data-plane", data_plane, *common]),
    ]


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(jsonlib.dumps(value))
    temporary.replace(path)
