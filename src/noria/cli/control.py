"""`noria control`: the control plane and the controller as one process; `noria up` starts it."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, open_project


def command(
    port: Annotated[int, typer.Option(help="The port to listen on.")],
    data_plane: Annotated[str, typer.Option(help="Where the data plane answers.")],
    project: Folder = HERE,
    replay: Annotated[bool, typer.Option(help="Let the caller say what time it is.")] = False,
    with_parent: Annotated[bool, typer.Option(help="End when standard input closes.")] = False,
) -> None:
    """Run the control plane and the controller."""
    import uvicorn

    from noria.core.clock import ManualClock
    from noria.core.errors import NoriaError
    from noria.features.registry.recording import record
    from noria.monitoring.observations import Observations
    from noria.retraining.controller import Controller
    from noria.retraining.line import Line
    from noria.server.control import control_app
    from noria.server.supervisor import end_with_parent
    from noria.serving.log import LogReader, log_path

    if with_parent:
        end_with_parent()
    loaded, ws = open_project(project, ManualClock() if replay else None)
    record(ws, loaded.plan.every_view)

    def notify() -> None:
        try:
            Line(data_plane, patience=5.0).post("/v2/repository/refresh", b"{}", {})
        except NoriaError:
            return  # it is being started again, and reads the newest routing when it comes up

    observations = Observations(LogReader(log_path(ws)))
    controller = Controller(ws, loaded.plan.models, loaded.functions, observations, notify)
    app = control_app(ws, controller, notify, replay=replay)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
