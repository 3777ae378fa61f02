"""What `noria data` does between folders and snapshots: commit, status, checkout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from noria.cli.data_output import change_line, change_object, megabytes, snapshot_object
from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import counted, say_json

Tree = Annotated[Path, typer.Argument(help="The folder.", metavar="FOLDER")]


def commit(
    folder: Tree,
    project: Folder = HERE,
    name: Annotated[str, typer.Option(help="The dataset; by default the folder's own, or the folder's name.")] = "",
    branch: Annotated[str, typer.Option(help="The branch; by default the folder's own, or main.")] = "",
    message: Annotated[str, typer.Option("--message", "-m", help="What was done and why.")] = "",
    run: Annotated[str, typer.Option(help="The run that made the data.")] = "",
    code: Annotated[str, typer.Option(help="The digest of the code that made the data.")] = "",
    made_from: Annotated[list[str] | None, typer.Option("--input", help="A snapshot it was made from.")] = None,
    table: Annotated[list[str] | None, typer.Option(help="A table: NAME=PATTERN:KEY,KEY. Kept for later.")] = None,
    portable: Annotated[bool, typer.Option(help="Refuse names that differ only in case.")] = False,
    verify: Annotated[bool, typer.Option(help="Look whether every object is whole, and mend it if not.")] = False,
    json: Json = False,
) -> None:
    """Make a snapshot of a folder and move its branch there."""
    from noria.cli.gauge import Gauge
    from noria.data.versions import operations
    from noria.data.versions.model import Origin, shown

    ws = open_stores(project)
    inputs = tuple(operations.address(ws, one).id for one in made_from or ())
    specs = [operations.parse_spec(one) for one in table or ()]
    with Gauge(shown=not json) as gauge:
        made = operations.commit(
            ws, folder.absolute(), name, branch=branch, origin=Origin(message, run, code, inputs), tables=specs,
            portable=portable, verify=verify, progress=gauge,
        )  # fmt: skip
    pairs = [[shown(one), shown(other)] for one, other in made.clashes]
    if json:
        say_json(snapshot_object(made.snapshot) | {"branch": made.branch, "new": made.new, "hashed": made.hashed,
                                                   "clashes": pairs})  # fmt: skip
        return
    held = f"{counted(made.snapshot.files, 'file')}, {megabytes(made.snapshot.size)}"
    if made.new:
        print(f"{made.snapshot.dataset}@{made.branch} is {made.snapshot.id[:12]}: {held}; {made.hashed} read.")
    else:
        print(f"Nothing has changed: {made.snapshot.dataset}@{made.branch} is {made.snapshot.id[:12]}, {held}.")
    for one, other in pairs[:10]:
        print(f"  beware: {one} and {other} are one file where case is not told apart")


def status(folder: Tree, project: Folder = HERE, json: Json = False) -> None:
    """Print what was changed in a folder and not committed."""
    from noria.cli.gauge import Gauge
    from noria.data.versions import standing  # and not the operations: this verb is asked often, and has to be quick

    ws = open_stores(project)
    with Gauge(shown=not json) as gauge:
        found = standing.status(ws, folder.absolute(), progress=gauge)
    tree = found.tree
    if json:
        say_json({"dataset": tree.dataset, "branch": tree.branch, "snapshot": tree.snapshot, "head": found.head,
                  "behind": found.behind, "unfinished": tree.going,
                  "changes": [change_object(one) for one in found.changes]})  # fmt: skip
        return
    print(f"{tree.dataset}@{tree.branch or 'no branch'}, at {tree.snapshot[:12] or 'nothing yet'}")
    if tree.going:
        print(f"A checkout of {tree.going[:12]} was broken off; run it again.")
    if found.behind:
        print(f"The branch is at {found.head[:12]} now: `noria data checkout`, or commit to a branch and merge.")
    for change in found.changes:
        print(change_line(change))
    print(f"{counted(len(found.changes), 'change')}." if found.changes else "Nothing has changed.")


def checkout(
    address: Annotated[str, typer.Argument(help="NAME or NAME@REFERENCE.", metavar="ADDRESS")],
    folder: Annotated[Path | None, typer.Argument(help="The folder; by default one of the dataset's name.")] = None,
    project: Folder = HERE,
    link: Annotated[str, typer.Option(help="auto, reflink, hardlink (read-only files) or copy.")] = "auto",
    force: Annotated[bool, typer.Option(help="Lose what was changed and not committed.")] = False,
    run: Annotated[str, typer.Option(help="The run that uses it: noted as its input, and kept for it.")] = "",
    json: Json = False,
) -> None:
    """Make a folder equal to a snapshot."""
    from noria.cli.gauge import Gauge
    from noria.data.versions import checking_out
    from noria.data.versions.names import split_address

    ws = open_stores(project)
    name, reference = split_address(address)
    place = folder.absolute() if folder else None
    with Gauge(shown=not json) as gauge:
        done = checking_out.checkout(ws, name, reference, place, link=link, force=force, progress=gauge)
    if run:
        from noria.data.versions.pins import note_use

        note_use(ws, run, done.snapshot)
    told = {"branch": done.branch, "path": done.path, "link": done.link, "written": done.written,
            "removed": done.removed, "unchanged": done.unchanged}  # fmt: skip
    if json:
        say_json(snapshot_object(done.snapshot) | told)
        return
    print(f"{done.path} is {name}@{done.snapshot.id[:12]}: {done.written} written ({done.link}), "
          f"{done.removed} removed, {done.unchanged} as they were.")  # fmt: skip


VERBS: dict[str, Callable[..., Any]] = {"commit": commit, "status": status, "checkout": checkout}
