"""`noria runs`: what was run, the newest first, or as asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import beginnings, say_json, say_table

if TYPE_CHECKING:
    from noria.tracking.model import Run


def command(
    project: Folder = HERE,
    experiment: Annotated[list[str] | None, typer.Option("--experiment", "-e", help="Only runs of these.")] = None,
    where: Annotated[
        str, typer.Option("--filter", "-f", help="Such as \"metrics.auc > 0.8 and params.kind = 'l2'\".")
    ] = "",
    order: Annotated[list[str] | None, typer.Option("--order-by", "-o", help='Such as "metrics.auc desc".')] = None,
    metric: Annotated[list[str] | None, typer.Option("--metric", "-m", help="Show these metrics.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="So many runs.")] = 20,
    json: Json = False,
) -> None:
    """Print runs with their state, parameters and metrics."""
    from noria.tracking.experiments import list_experiments
    from noria.tracking.runs import runs_by_key
    from noria.tracking.search.runs import search_runs

    ws = open_stores(project)
    names = {one.key: one.name for one in list_experiments(ws, experiment)}
    found = search_runs(ws, list(names), where, order or [], limit=limit)
    runs = runs_by_key(ws, found.keys)
    if json:
        say_json(runs)
        return
    shown = metric or _common([name for run in runs for name in run.metrics])
    ids = beginnings([run.id for run in runs])
    rows = [[start, *_row(run, names[run.experiment], shown)] for start, run in zip(ids, runs, strict=True)]
    say_table("", ["run", "name", "experiment", "state", "started", "seconds", *shown], rows)
    if not rows:
        print("No run was found." if where or experiment else "Nothing has been run yet. Start with `noria run`.")


def _row(run: Run, experiment: str, metrics: list[str]) -> list[object]:
    from noria.core.clock import show_moment

    seconds = f"{(run.ended - run.started) / 1e6:.1f}" if run.started is not None and run.ended is not None else ""
    values = [f"{run.metrics[name].value:.6g}" if name in run.metrics else "" for name in metrics]
    started = show_moment(run.started) if run.started is not None else ""
    return [run.name, experiment, run.state, started, seconds, *values]


def _common(names: list[str], most: int = 4) -> list[str]:
    """The metrics that most runs have, the machine's own aside."""
    from collections import Counter

    counted = Counter(name for name in names if not name.startswith("system/"))
    return [name for name, _ in counted.most_common(most)]
