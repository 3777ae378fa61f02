"""`noria init`: a new project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    directory: Annotated[Path, typer.Argument(help="The folder to make.")],
    example: Annotated[str | None, typer.Option(help="Start from an example that runs: flights.")] = None,
) -> None:
    """Make a project: its module, its TOML file, tests, CI files and a README of its own."""
    from noria.project.scaffold import create

    made = create(directory, example, progress=lambda file: print(f"  {file}"))
    print(f"{directory} is ready: {len(made)} files. Next:\n\n  cd {directory}\n  noria plan\n  noria run")
