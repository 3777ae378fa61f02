"""`noria status`: how each model stands, in one line."""

from __future__ import annotations

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table


def command(project: Folder = HERE, json: Json = False) -> None:
    """Print every model's version in production, its rollout, its monitors, and the last event."""
    from noria.server.operations import status

    found = status(open_stores(project))
    if json:
        say_json(found)
        return
    columns = ["model", "production", "rollout", "monitors", "last event"]
    say_table("", columns, [(one.model, one.production, one.rollout, one.monitors, one.last) for one in found])
    if not found:
        print("No model has been registered yet. Start with `noria run`.")
