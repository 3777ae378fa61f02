"""`noria compare`: runs side by side, only what differs."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import beginnings, say_json, say_table


def command(
    runs: Annotated[list[str], typer.Argument(help="Two run ids or more; the first few characters will do.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Print what differs between runs: parameters, metrics, data, code."""
    from noria.tracking.comparison import differences
    from noria.tracking.runs import find_run

    ws = open_stores(project)
    chosen = [find_run(ws, name) for name in runs]
    found = differences(chosen)
    if json:
        say_json({"runs": [run.id for run in chosen], "differences": found})
        return
    starts = beginnings([run.id for run in chosen])
    columns = ["", *(f"{start} {run.name}" for start, run in zip(starts, chosen, strict=True))]
    for section, rows in groupby(found, key=lambda one: one.section):
        say_table(section, columns, [[row.name, *(_cell(value) for value in row.values)] for row in rows])
    if not found:
        print("Nothing differs.")


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else value if len(value) <= 60 else value[:59] + "…"
