"""What `noria data` does with names of snapshots, and with what nobody names any more: branch, tag, merge, gc."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from noria.cli.data_output import megabytes, snapshot_object
from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table

Dataset = Annotated[str, typer.Argument(help="The dataset.", metavar="NAME")]
At = Annotated[str, typer.Option(help="The snapshot it names; by default the head of main.")]
Delete = Annotated[bool, typer.Option("--delete", "-d", help="Remove the name; snapshots stay.")]


def branch(
    name: Dataset,
    new: Annotated[str, typer.Argument(help="The new branch; without one, all are listed.", metavar="BRANCH")] = "",
    project: Folder = HERE,
    at: At = "",
    delete: Delete = False,
    json: Json = False,
) -> None:
    """Make a branch, remove one, or list them."""
    _name(project, "branch", name, new, at, delete=delete, as_json=json)


def tag(
    name: Dataset,
    new: Annotated[str, typer.Argument(help="The new tag; without one, all are listed.", metavar="TAG")] = "",
    project: Folder = HERE,
    at: At = "",
    delete: Delete = False,
    json: Json = False,
) -> None:
    """Make a tag, remove one, or list them."""
    _name(project, "tag", name, new, at, delete=delete, as_json=json)


def merge(
    name: Dataset,
    theirs: Annotated[str, typer.Argument(help="The branch, tag or snapshot to merge.", metavar="REFERENCE")],
    project: Folder = HERE,
    into: Annotated[str, typer.Option(help="The branch that moves.")] = "main",
    take: Annotated[str, typer.Option(help="Whose side wins a conflict: ours or theirs.")] = "",
    message: Annotated[str, typer.Option("--message", "-m", help="What and why.")] = "",
    json: Json = False,
) -> None:
    """Merge a branch into another one: by path, and tables with a key by their rows."""
    from noria.core.errors import BadInput
    from noria.data.versions import operations

    if take not in ("", "ours", "theirs"):
        raise BadInput(f"--take is ours or theirs, not {take!r}")
    done = operations.merge(open_stores(project), name, theirs, into, take=take, message=message)  # type: ignore[arg-type]
    if json:
        say_json(snapshot_object(done.snapshot) | {"branch": into, "how": done.how, "merged_tables": done.tables})
        return
    told = {"already": "had it already and stays at", "forward": "went forward to", "merged": "is now"}[done.how]
    by_rows = f", tables merged by rows: {', '.join(done.tables)}" if done.tables else ""
    print(f"{name}@{into} {told} {done.snapshot.id[:12]}{by_rows}.")


def gc(
    project: Folder = HERE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only count.")] = False,
    history: Annotated[int, typer.Option(help="Snapshots of each branch and tag to keep; 0: all.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Remove the content that no branch, tag, run, model or folder needs."""
    from noria.cli.gauge import Gauge
    from noria.data.versions import operations

    ws = open_stores(project)
    with Gauge(shown=not json) as gauge:
        done = operations.collect(ws, dry_run=dry_run, history=history or None, progress=gauge)
    if json:
        say_json(done)
        return
    verb = "would be removed" if done.dry else "were removed"
    print(f"{done.removed} objects ({megabytes(done.bytes)}) {verb}; {done.kept} stay, "
          f"needed by {done.snapshots} snapshots.")  # fmt: skip


def _name(project: Path, kind: Any, name: str, new: str, at: str, *, delete: bool, as_json: bool) -> None:
    from noria.core.errors import BadInput
    from noria.data.versions import operations

    ws = open_stores(project)
    if not new:
        found = [ref for ref in operations.list_refs(ws, name) if ref.kind == kind]
        if as_json:
            say_json(found)
        else:
            say_table("", [kind, "snapshot", "by"], [(ref.name, ref.snapshot[:12], ref.actor) for ref in found])
        return
    if delete:
        there = next((ref for ref in operations.list_refs(ws, name) if (ref.kind, ref.name) == (kind, new)), None)
        if there is None:
            raise BadInput(f"there is no {kind} {new!r} of {name!r}", hint=f"`noria data {kind} {name}` lists them")
        ref = operations.delete_ref(ws, name, new)
    else:
        ref = (operations.branch if kind == "branch" else operations.tag)(ws, name, new, at)
    if as_json:
        say_json(ref)
    else:
        print(
            f"The {kind} {new} {'was' if delete else 'is'} at {ref.snapshot[:12]}"
            + (" and is gone." if delete else ".")
        )


VERBS: dict[str, Callable[..., Any]] = {"branch": branch, "tag": tag, "merge": merge, "gc": gc}
