"""`noria plan`: what the project declares."""

from __future__ import annotations

from noria.cli.opening import HERE, Folder, Json
from noria.cli.output import say_json


def command(project: Folder = HERE, json: Json = False) -> None:
    """Print the plan: sources, models, gates, rollout, monitors; and every fault at once."""
    from noria.project.load import load

    plan = load(project).plan
    if json:
        say_json({"digest": plan.digest, "plan": plan})
    else:
        print(plan.show())
