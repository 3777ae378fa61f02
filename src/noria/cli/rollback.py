"""`noria rollback`: back to the version that was in production before."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json


def command(
    model: Annotated[str, typer.Argument(help="The model.")],
    project: Folder = HERE,
    reason: Annotated[str, typer.Option(help="Why; it is journaled.")] = "rolled back by hand",
    json: Json = False,
) -> None:
    """End a running rollout if there is one; else return to the version in production before this one."""
    from noria.server.operations import rollback

    after = rollback(open_stores(project), model, reason=reason)
    if json:
        say_json({"model": model, "production": after.number})
    else:
        print(f"{model}: version {after.number} is in production.")
