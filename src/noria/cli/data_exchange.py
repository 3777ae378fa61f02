"""What `noria data` does with other tools that version data: import and export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from noria.cli.data_output import snapshot_object
from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import counted, say_json

Tool = Annotated[str, typer.Option("--format", help="The tool: dvc, delta or lakefs.")]


def import_(
    source: Annotated[
        str, typer.Argument(help="DVC's raw.dvc or dvc.lock; lakefs://REPO/BRANCH/FOLDER.", metavar="PLACE")
    ],
    project: Folder = HERE,
    format: Tool = "dvc",
    json: Json = False,
) -> None:
    """Commit what another tool has under version control."""
    from noria.cli.transfers import exchange

    brought = exchange(format).read(open_stores(project), source)
    if json:
        say_json([
            snapshot_object(one.committed.snapshot)
            | {"folder": str(one.folder), "new": one.committed.new, "notes": list(one.notes)}
            for one in brought
        ])  # fmt: skip
        return
    for one in brought:
        made = one.committed
        print(
            f"{made.snapshot.dataset}@{made.branch} is {made.snapshot.id[:12]}: {counted(made.snapshot.files, 'file')}"
        )
        for note in one.notes:
            print(f"  {note}")


def export(
    address: Annotated[str, typer.Argument(help="NAME or NAME@REFERENCE.", metavar="ADDRESS")],
    to: Annotated[str, typer.Argument(help="DVC's repository, a Delta table, or lakefs://REPO/BRANCH/FOLDER.")],
    project: Folder = HERE,
    name: Annotated[str, typer.Option(help="DVC: what it is called there. Delta: which table.")] = "",
    mode: Annotated[str, typer.Option(help="Delta: append, overwrite, merge (by key), or create.")] = "",
    format: Tool = "dvc",
    json: Json = False,
) -> None:
    """Write a snapshot so that another tool checks it out."""
    from noria.cli.transfers import exchange
    from noria.data.versions import operations

    ws = open_stores(project)
    snapshot = operations.address(ws, address)
    given = exchange(format).write(ws, snapshot, to, name or None, mode)
    if json:
        said = {"path": str(given.path), "files": given.files, "told": given.told, "notes": list(given.notes)}
        say_json(said)
        return
    print(f"{given.path}: {counted(given.files, 'file')}; {given.told}")
    for note in given.notes:
        print(f"  left out: {note}")


VERBS: dict[str, Callable[..., Any]] = {"import": import_, "export": export}
