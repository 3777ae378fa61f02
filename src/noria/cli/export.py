"""`noria export`: runs of ours for another tracker, as its files or to its server; with --edge a model as a bundle."""

from __future__ import annotations

from pathlib import Path
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
    target: Annotated[
        str, typer.Argument(help="A folder, or a server's address; with --edge MODEL, MODEL/3, MODEL@ALIAS.")
    ],
    project: Folder = HERE,
    kind: Annotated[str, typer.Option("--to", help="tensorboard, neptune-parquet or mlflow.")] = "",
    experiment: Annotated[list[str] | None, typer.Option("--experiment", "-e", help="Only runs of these.")] = None,
    where: Annotated[str, typer.Option("--filter", "-f", help='Such as "metrics.auc > 0.8".')] = "",
    run: Annotated[list[str] | None, typer.Option("--run", "-r", help="Only these, by id.")] = None,
    edge: Annotated[bool, typer.Option("--edge", help="A model as a folder that answers without Noria.")] = False,
    output: Annotated[Path | None, typer.Option(help="With --edge: the new folder.")] = None,
    packed: Annotated[bool, typer.Option("--zip", help="With --edge: OUTPUT.zip too.")] = False,
    int8_within: Annotated[float, typer.Option(min=0, help="With --edge: how far off eight bits may be.")] = 0.01,
    check: Annotated[bool, typer.Option("--check", help="With --edge: check the bundle TARGET instead.")] = False,
    digest: Annotated[str, typer.Option(help="With --edge --check: the digest its export printed.")] = "",
    json: Json = False,
) -> None:
    """Write runs with params, tags, whole histories and files; written again, what is there already stays one.

    With --edge write a model instead: graphs for several runtimes, golden rows, and a manifest of checksums.
    """
    from noria.cli import export_edge

    asked = export_edge.Asked(target, output, packed, int8_within, check, digest)
    if export_edge.is_asked(asked, edge=edge):
        export_edge.answer(asked, project, as_json=json)
        return
    _give_runs(target, project, kind, experiment, where, run, as_json=json)


def _give_runs(
    target: str,
    project: Path,
    kind: str,
    experiment: list[str] | None,
    where: str,
    run: list[str] | None,
    *,
    as_json: bool,
) -> None:
    from noria.cli.transfers import choose_exporter
    from noria.tracking.outgoing import give_out

    exporter = choose_exporter(target, kind)
    ws = open_stores(project)
    chosen = _chosen(ws, experiment, where, run)
    rows: list[dict[str, Any]] = []
    with Counted(f"to {exporter.title}", len(chosen), shown=not as_json) as bar:
        for given in exporter.write(give_out(ws, chosen), target):
            rows.append({**vars(given), "notes": list(given.notes)})
            bar.advance(given.run)
    if as_json:
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
