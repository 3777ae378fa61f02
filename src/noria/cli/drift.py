"""`noria drift`: how far each feature has moved."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table


def command(
    model: Annotated[str, typer.Argument(help="The model.")], project: Folder = HERE, json: Json = False
) -> None:
    """Print the newest measurement of every monitor and feature, the worst first."""
    from noria.core.clock import show_moment
    from noria.server.operations import newest_measurements

    found = newest_measurements(open_stores(project), model)
    if json:
        say_json(found)
        return
    rows = [
        (one.kind, one.subject, _number(one.value), _number(one.threshold), one.state, one.rows, show_moment(one.at))
        for one in found
    ]
    say_table(model, ["kind", "subject", "value", "threshold", "state", "rows", "when"], rows)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
