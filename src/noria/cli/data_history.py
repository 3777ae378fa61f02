"""What `noria data` tells of snapshots: log, show, ls, diff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from noria.cli.data_output import (
    change_line,
    change_object,
    entry_object,
    megabytes,
    snapshot_object,
    table_lines,
    table_object,
)
from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import counted, say_json, say_table

Address = Annotated[str, typer.Argument(help="NAME or NAME@REFERENCE.", metavar="ADDRESS")]


def log(
    address: Annotated[str, typer.Argument(help="NAME or NAME@REFERENCE; without one, every dataset.")] = "",
    project: Folder = HERE,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1)] = 20,
    json: Json = False,
) -> None:
    """Print snapshots, newest first; or the datasets there are."""
    from noria.core.clock import show_moment
    from noria.data.versions import operations
    from noria.data.versions.names import split_address

    ws = open_stores(project)
    if not address:
        _datasets(operations.dataset_names(ws), as_json=json)
        return
    name, reference = split_address(address)
    found = operations.log(ws, name, reference, limit)
    names: dict[str, list[str]] = {}
    for ref in operations.list_refs(ws, name):
        names.setdefault(ref.snapshot, []).append(ref.name)
    if json:
        say_json([snapshot_object(one) | {"refs": names.get(one.id, [])} for one in found])
        return
    rows = [
        (one.id[:12], ", ".join(names.get(one.id, [])), show_moment(one.at), one.author, one.files,
         megabytes(one.size), one.origin.message)
        for one in found
    ]  # fmt: skip
    say_table("", ["snapshot", "names", "at", "by", "files", "size", "message"], rows)


def show(address: Address, project: Folder = HERE, json: Json = False) -> None:
    """Print one snapshot: where it came from, its tables, and who needs it."""
    from noria.core.clock import show_moment
    from noria.data.versions import operations

    ws = open_stores(project)
    one = operations.address(ws, address)
    manifest, _ = operations.manifest_of(ws, one)
    pins = operations.list_pins(ws, one.id)
    if json:
        tables = [{"name": table.name, "format": table.format, "key": table.key, "rows": table.rows,
                   "schema": table.schema, "statistics": table.statistics, "files": len(table.files)}
                  for table in manifest.tables]  # fmt: skip
        say_json(snapshot_object(one) | {"tables": tables, "pins": pins})
        return
    lines = {
        "snapshot": one.id, "content": one.root, "at": show_moment(one.at), "by": one.author,
        "message": one.origin.message, "holds": f"{counted(one.files, 'file')}, {megabytes(one.size)}",
        "parents": ", ".join(id[:12] for id in one.parents), "run": one.origin.run, "code": one.origin.code,
        "made from": ", ".join(id[:12] for id in one.origin.inputs),
        "needed by": ", ".join(pin.holder for pin in pins),
    }  # fmt: skip
    for name, value in lines.items():
        if value:
            print(f"{name:<10} {value}")
    for table in manifest.tables:
        key = f", key {', '.join(table.key)}" if table.key else ""
        print(f"table      {table.name}: {table.rows} rows in {len(table.files)} {table.format} files{key}")


def ls(address: Address, project: Folder = HERE, json: Json = False) -> None:
    """Print what a snapshot holds."""
    from noria.data.versions import operations
    from noria.data.versions.model import shown

    ws = open_stores(project)
    _, entries = operations.manifest_of(ws, operations.address(ws, address))
    if json:
        say_json([entry_object(one) for one in entries])
        return
    for one in entries:
        target = f" -> {shown(one.target)}" if one.kind == "link" else ""
        mark = {"program": "*", "folder": "/"}.get(one.kind, "")
        print(f"{one.size:>12}  {one.blake3.hex()[:12]:<12}  {shown(one.path)}{mark}{target}")


def diff(
    old: Address,
    new: Annotated[str, typer.Argument(help="NAME or NAME@REFERENCE.", metavar="ADDRESS")],
    project: Folder = HERE,
    rows: Annotated[bool, typer.Option(help="Compare the rows of tables.")] = True,
    limit: Annotated[int, typer.Option(help="How many rows of a table to print.", min=0)] = 20,
    json: Json = False,
) -> None:
    """Print what differs between two snapshots: files, and the rows of tables that have a key."""
    from noria.data.versions import operations

    ws = open_stores(project)
    one, other = operations.address(ws, old), operations.address(ws, new)
    found = operations.diff(ws, one, other, rows=rows, limit=limit)
    if json:
        say_json({"old": one.id, "new": other.id, "changes": [change_object(change) for change in found.changes],
                  "tables": [table_object(table) for table in found.tables]})  # fmt: skip
        return
    for change in found.changes:
        print(change_line(change))
    for table in found.tables:
        print("\n".join(table_lines(table)))
    print(f"{counted(len(found.changes), 'path')} changed." if found.changes else "Nothing differs.")


def _datasets(names: list[str], *, as_json: bool) -> None:
    if as_json:
        say_json(names)
    else:
        print("\n".join(names) or "There is no dataset yet. Make one with `noria data commit FOLDER`.")


VERBS: dict[str, Callable[..., Any]] = {"log": log, "show": show, "ls": ls, "diff": diff}
