"""How `noria data` tells of snapshots, entries and differences: lines for people, objects for programs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from noria.cli.output import counted

if TYPE_CHECKING:
    from noria.data.versions.model import Change, Entry, Snapshot, TableDiff

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}


def snapshot_object(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON has it."""
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(snapshot)
    return told


def entry_object(entry: Entry) -> dict[str, Any]:
    """An entry as JSON has it; a path that is no UTF-8 is there in base64 too."""
    told: dict[str, Any] = {"path": _text(entry.path), "kind": entry.kind, "size": entry.size,
                            "blake3": entry.blake3.hex(), "md5": entry.md5.hex()}  # fmt: skip
    if entry.kind == "link":
        told["target"] = _text(entry.target)
    if _text(entry.path).encode() != entry.path:
        told["path_base64"] = base64.b64encode(entry.path).decode()
    return told


def change_object(change: Change) -> dict[str, Any]:
    """A change of a path as JSON has it."""
    sides = {"old": change.old, "new": change.new}
    return {"change": change.kind, "path": _text(change.path)} | {
        side: entry_object(entry) for side, entry in sides.items() if entry is not None
    }


def change_line(change: Change) -> str:
    """A change of a path as one line."""
    from noria.data.versions.model import shown

    before = f"{shown(change.old.path)} > " if change.kind == "renamed" and change.old else ""
    return f"  {_SIGNS[change.kind]} {before}{shown(change.path)}"


def table_lines(table: TableDiff) -> list[str]:
    """How the rows of a table differ, as lines."""
    lines = [
        f"table {table.name}: {counted(table.added, 'row')} added, {table.removed} removed, {table.changed} changed"
    ]
    lines += [f"  columns {what}: {', '.join(names)}" for what, names in (
        ("added", table.columns_added), ("removed", table.columns_removed), ("of another type", table.columns_retyped)
    ) if names]  # fmt: skip
    lines += [f"  {table.note}"] if table.note else []
    for row in table.rows:
        key = ", ".join(f"{name}={value}" for name, value in row.key.items())
        cells = ", ".join(f"{name}: {row.old.get(name)} > {row.new.get(name)}" for name in row.new if row.old)
        lines.append(f"  {_SIGNS[row.kind]} {key}" + (f"  {cells}" if cells else ""))
    return lines


def table_object(table: TableDiff) -> dict[str, Any]:
    """How the rows of a table differ, as JSON has it; values that JSON lacks are text."""
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(table, enc_hook=str)
    return told


def megabytes(size: int) -> str:
    """Bytes as people read them.

    >>> megabytes(1_500_000)
    '1.5 MB'
    """
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} bytes"


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
