"""`noria import`: runs and models of another tracker, from its files or its server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table
from noria.cli.progress import Counted

if TYPE_CHECKING:
    from noria.tracking.transfer import ForeignRun, Importer
    from noria.workspace.workspace import Workspace

_SHOWN = 50


def command(
    source: Annotated[str, typer.Argument(help="A file, a folder, a database's address or a server's.")],
    project: Folder = HERE,
    kind: Annotated[str, typer.Option("--from", help="What it is, when it cannot be guessed.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come.")] = False,
    json: Json = False,
) -> None:
    """Take in runs and registered models, once each, whatever tracker they come from; again brings only what is new."""
    from noria.cli.transfers import choose_importer

    importer = choose_importer(source, kind)
    ws = open_stores(project)
    rows: list[dict[str, Any]] = []
    left: list[dict[str, str]] = []
    models: list[dict[str, Any]] = []
    with Counted(f"from {importer.title}", shown=not json) as bar:
        for row in _runs(ws, importer, source, dry_run, left):
            rows.append(row)
            bar.advance(row["name"])
        if importer.models is not None:
            models = [_model(ws, one, dry_run) for one in importer.models(source)]
    found = {"from": importer.kind, "dry_run": dry_run, "runs": rows, "models": models, "left_out": left}
    if json:
        say_json(found)
        return
    _say(found)


def _runs(
    ws: Workspace, importer: Importer, source: str, dry_run: bool, left: list[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    """A row a run; what cannot be read or taken in goes to `left`, and the next one is tried."""
    from noria.core.errors import BadInput, NoriaError, Unavailable
    from noria.tracking.intake import take_in
    from noria.tracking.transfer import LeftOut

    for run in importer.read(source):
        if isinstance(run, LeftOut):
            left.append({"what": run.place, "why": run.why})
            continue
        try:
            yield _looked_at(ws, run) if dry_run else _taken(take_in(ws, run))
        except Unavailable:
            raise
        except (BadInput, NoriaError) as error:
            left.append({"what": run.origin, "why": error.message})


def _taken(taken: Any) -> dict[str, Any]:
    import dataclasses

    return {**dataclasses.asdict(taken), "what": "new" if taken.new else "more" if taken.changed else "nothing new"}


def _looked_at(ws: Workspace, run: ForeignRun) -> dict[str, Any]:
    """What a run would bring; it is read to its end, so that what is wrong with it shows."""
    from noria.core.errors import NotFound
    from noria.tracking.intake import run_id_of
    from noria.tracking.runs import get_run

    id = run_id_of(ws, run.origin, run.id)
    try:
        get_run(ws, id)
        what = "is here"
    except NotFound:
        what = "new"
    points = sum(len(one) for one in run.series)
    files = sum(1 for _ in run.artifacts)
    models = sum(1 for one in run.models for _ in [list(one.files)])
    return {
        "origin": run.origin, "run": id, "experiment": run.experiment, "name": run.name, "what": what,
        "points": points, "params": len(run.params), "tags": len(run.tags), "files": files, "models": models,
        "notes": list(run.notes),
    }  # fmt: skip


def _model(ws: Workspace, model: Any, dry_run: bool) -> dict[str, Any]:
    from noria.core.errors import NoriaError
    from noria.registry.intake import take_in_model

    if dry_run:
        return {"name": model.name, "versions": [one.number for one in model.versions], "notes": []}
    try:
        taken = take_in_model(ws, model)
        return {"name": taken.name, "versions": taken.versions, "notes": taken.notes}
    except NoriaError as error:
        return {"name": model.name, "versions": [], "notes": [error.message]}


def _say(found: dict[str, Any]) -> None:
    runs, models = found["runs"], found["models"]
    columns = ("run", "experiment", "name", "what", "points", "params", "files", "models")
    rows = [(one["run"][:12], *(one[name] for name in columns[1:])) for one in runs[:_SHOWN]]
    say_table("", columns, rows)
    if len(runs) > _SHOWN:
        print(f"... and {len(runs) - _SHOWN} more runs; --json lists them all.")
    for one in models:
        print(
            f"model {one['name']}: "
            + (f"versions {', '.join(map(str, one['versions']))}" if one["versions"] else "nothing new")
        )
    left = [(one["what"], one["why"]) for one in found["left_out"]]
    left += [(one.get("origin", one["name"]), note) for one in (*runs, *models) for note in one["notes"]]
    if left:
        print()
        say_table("What is not as it was, or was left out", ["what", "why"], left[: 2 * _SHOWN])
    if len(left) > 2 * _SHOWN:
        print(f"... and {len(left) - 2 * _SHOWN} more; --json lists them all.")
    new = sum(one["what"] == "new" for one in runs)
    would = "would come" if found["dry_run"] else "came"
    print(f"\n{new} of {len(runs)} runs {would} new, with {sum(one['points'] for one in runs):,} points.")
