"""Opening the project that a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from noria.core.clock import Clock
    from noria.project.load import Loaded
    from noria.workspace.workspace import Workspace

Folder = Annotated[Path, typer.Option("--project", "-C", help="The project's folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
HERE = Path()


def open_stores(root: Path, clock: Clock | None = None) -> Workspace:
    """The workspace of the project in `root`, without importing the project; or that of a tracking server there."""
    from noria.config.environment import environment
    from noria.config.settings import HOME, settings_for
    from noria.workspace.workspace import open_workspace

    if not (root / HOME).is_dir():  # `noria server` keeps one, and so do runs that were logged offline
        from noria.project.load import find_module

        find_module(root.resolve())
    return open_workspace(root, settings_for(root, workspace_table(root), environment()), clock)


def workspace_table(root: Path) -> dict[str, str]:
    """What the TOML files of the project in `root` say about its workspace."""
    from noria.config.toml import read_toml

    tables: list[dict[str, str]] = [read_toml(path).get("workspace", {}) for path in sorted(root.glob("*.toml"))]
    return next((one for one in tables if one), {})


def open_project(root: Path, clock: Clock | None = None) -> tuple[Loaded, Workspace]:
    """The project in `root`, imported and composed, with its workspace."""
    from noria.config.environment import environment
    from noria.config.settings import settings_for
    from noria.project.load import load
    from noria.workspace.workspace import open_workspace

    loaded = load(root)
    return loaded, open_workspace(root, settings_for(root, loaded.plan.workspace, environment()), clock)
