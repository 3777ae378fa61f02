"""`noria export`: runs of ours for another tracker, as its files or to its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table
from noria.cli.progress import Counted

if TYPE_CHECKING:
    from noria.tracking.model import Run
    from noria.workspace.workspace import Workspace

_PAGE = 500


def command(
    target: Annotated[str, typer.Argument(help="A folder, or a server's address.")],
    project: Folder = HERE,
    kind: Annotated[str, typer.Option("--to", help="tensorboard, neptune-parquet or mlflow.")] = "",
    experiment: Annotated[list[str] | None, typer.Option("--experiment", "-e", help="Only runs of these.")] = None,
    where: Annotated[str, typer.Option("--filter", "-f", help='Such as "metrics.auc > 0.8".')] = "",
    run: Annotated[list[str] | None, typer.Option("--run", "-r", help="Only these, by id.")] = None,
    json: Json = False,
) -> None:
    """Write runs with params, tags, whole histories and files; written again, what is there already stays one."""
    from noria.cli.transfers import choose_exporter
    from noria.tracking.outgoing import give_out

    exporter = choose_exporter(target, kind)
    ws = open_stores(project)
    chosen = _chosen(ws, experiment, where, run)
    rows: list[dict[str, Any]] = []
    with Counted(f"to {exporter.title}", len(chosen), shown=not json) as bar:
        for given in exporter.write(give_out(ws, chosen), target):
            rows.append({**vars(given), "notes": list(given.notes)})
            bar.advance(given.run)
    if json:
        say_json({"to": exporter.kind, "runs": rows})
        return
    say_table("", ["run", "where", "points", "files"], [(r["run"], r["place"], r["points"], r["files"]) for r in rows])
    notes = [(row["run"], note) for row in rows for note in row["notes"]]
    if notes:
        print()
        say_table("What is not as it is here", ["run", "why"], notes[:100])
    print(
        f"\n{len(rows)} runs, {sum(row['points'] for row in rows):,} points, {sum(row['files'] for row in rows)} files."
    )


def _chosen(ws: Workspace, names: list[str] | None, where: str, ids: list[str] | None) -> list[Run]:
    from noria.tracking.experiments import list_experiments
    from noria.tracking.runs import find_run, runs_by_key
    from noria.tracking.search.runs import search_runs

    if ids:
        return [find_run(ws, id) for id in ids]
    keys = [one.key for one in list_experiments(ws, names)]
    found: list[Run] = []
    token: str | None = None
    while keys:
        page = search_runs(ws, keys, where, ["attributes.start_time ASC"], limit=_PAGE, token=token)
        found += runs_by_key(ws, page.keys)
        token = page.next_token
        if token is None:
            break
    return found
