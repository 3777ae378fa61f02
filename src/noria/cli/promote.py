"""`noria promote`: put a version into production by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json


def command(
    model: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[int, typer.Argument(help="The version's number.")],
    project: Folder = HERE,
    reason: Annotated[str, typer.Option(help="Why; it is journaled.")] = "promoted by hand",
    force: Annotated[bool, typer.Option(help="Even if its gates did not pass.")] = False,
    json: Json = False,
) -> None:
    """Make a version the one in production. A server that is up follows within a second."""
    from noria.server.operations import promote

    after = promote(open_stores(project), model, version, reason=reason, force=force)
    if json:
        say_json({"model": model, "production": after.number})
    else:
        print(f"{model}: version {after.number} is in production.")
