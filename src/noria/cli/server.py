"""`noria server`: tracking and the registry, for every client of MLflow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.opening import HERE, Folder
from noria.core.errors import BadInput, NotFound

if TYPE_CHECKING:
    from noria.workspace.workspace import Workspace

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def command(
    project: Folder = HERE,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 picks a free one.")] = 5000,
    home: Annotated[Path | None, typer.Option(help="The folder that keeps everything; `.noria` by default.")] = None,
    database: Annotated[str, typer.Option(help="SQLite or PostgreSQL, as a URL; in the home by default.")] = "",
    page: Annotated[str, typer.Option(help="MLflow's web page: `mlflow` for the installed one, or its folder.")] = "",
    allow_host: Annotated[list[str] | None, typer.Option(help="A name this server is asked under; repeatable.")] = None,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Keep runs and models for everybody who speaks MLflow's protocol; stop with Ctrl-C."""
    from noria.server.tracking import run_server

    if with_parent:
        from noria.server.supervisor import end_with_parent

        end_with_parent()
    ws = _open(project, home, database)
    names = None if allow_host is None and host not in _LOOPBACK else frozenset(allow_host or ())

    def ready(url: str) -> None:
        sys.stderr.write(f"noria: tracking at {url}\nexport MLFLOW_TRACKING_URI={url}\n")
        sys.stderr.flush()

    try:
        run_server(ws, host=host, port=port, hosts=names, page=_page(page), on_ready=ready)
    finally:
        ws.close()


def _open(project: Path, home: Path | None, database: str) -> Workspace:
    """The project's workspace; where there is no project, one of its own in the folder."""
    from noria.cli.opening import workspace_table
    from noria.config.environment import environment
    from noria.config.settings import settings_for
    from noria.project.load import find_module
    from noria.workspace.workspace import open_workspace

    try:
        find_module(project.resolve())
        table = workspace_table(project)
    except NotFound:
        table = {}
    told = dict(environment())
    if database:
        told["NORIA_DATABASE"] = database
    return open_workspace(project, settings_for(project, table, told, home))


def _page(asked: str) -> Path | None:
    """The folder of MLflow's web page: given, or that of the installed package, which is not imported for it."""
    if not asked:
        return None
    folder = Path(asked)
    if asked == "mlflow":
        from importlib.util import find_spec

        found = find_spec("mlflow")
        places = found.submodule_search_locations if found else None
        if not places:
            raise BadInput("the package mlflow is not installed here", hint="give the folder of its web page instead")
        folder = Path(places[0]) / "server" / "js" / "build"
    if not (folder / "index.html").is_file():
        raise BadInput(f"there is no web page in {folder}", hint="a folder with an index.html is needed")
    return folder.resolve()
