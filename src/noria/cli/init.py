"""`noria init`: a new project."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from noria.cli.opening import Json
from noria.cli.output import say_json


def command(
    directory: Annotated[Path, typer.Argument(help="The folder to make.")],
    example: Annotated[str | None, typer.Option(help="Start from an example that runs: flights.")] = None,
    source: Annotated[str, typer.Option("--from", help="Make it from a Feast repository.", metavar="REPO")] = "",
    registry: Annotated[str, typer.Option(help="With --from: where that repository's registry is.")] = "",
    json: Json = False,
) -> None:
    """Make a project: its module, its TOML file, tests, CI files and a README of its own."""
    from noria.core.errors import BadInput
    from noria.project.scaffold import create

    if source:
        if example:
            raise BadInput("a project is made from an example or from another project", hint="choose one of the two")
        _read(directory, source, registry, as_json=json)
        return
    made = create(directory, example, progress=None if json else lambda file: print(f"  {file}"))
    if json:
        say_json({"directory": directory.as_posix(), "files": [path.as_posix() for path in made]})
        return
    print(f"{directory} is ready: {len(made)} files. Next:\n\n  cd {directory}\n  noria plan\n  noria run")


def _read(directory: Path, source: str, registry: str, *, as_json: bool) -> None:
    """Make a project of what another tool declares."""
    from noria.cli.transfers import choose_project_reader
    from noria.project.foreign import write_project

    reader = choose_project_reader(source)
    found = reader.read(source, directory, {"registry": registry} if registry else {})
    made = write_project(found, directory)
    notes = [{"what": what, "why": why} for what, why in found.notes]
    if as_json:
        say_json({"from": reader.kind, "files": [path.as_posix() for path in made], "notes": notes})
        return
    if notes:
        print("Not as it was there, or left out:")
    for what, why in found.notes:
        print(fill(f"{what} {why}.", 80, initial_indent="  ", subsequent_indent="    "))
    print(f"{directory} is made from {reader.title}. Next:\n\n  cd {directory}\n  noria plan")
