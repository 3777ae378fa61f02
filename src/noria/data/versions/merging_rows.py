"""Three-way merge of a keyed table, cell by cell.

A row that only one side changed is that side's. Where both changed the same row in different columns, both changes
hold. It is a conflict when both changed the same cell differently, when one removed a row that the other changed, and
when both added a row with the same key and different values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noria.data.versions.model import Entry, TableEntry
from noria.data.versions.objects import ObjectStore
from noria.data.versions.rows import SHOWN, NoKey, attach, quoted, whole_row

_SIDES = ("noria_base", "noria_ours", "noria_theirs")
State = tuple[TableEntry, Mapping[bytes, Entry]]
"""A table, and the entries of its files."""


@dataclass(frozen=True)
class RowConflict:
    """A row that cannot be merged: its key, and what each side says; None where it has no such row."""

    table: str
    key: Mapping[str, Any]
    base: Mapping[str, Any] | None
    ours: Mapping[str, Any] | None
    theirs: Mapping[str, Any] | None


@dataclass(frozen=True)
class MergedRows:
    """Why it cannot be merged by rows at all (empty: it can), the rows in conflict (the first ones), how many there
    are, and the temporary file with the result (empty: there is none).
    """

    why: str
    conflicts: tuple[RowConflict, ...] = ()
    count: int = 0
    file: str = ""


def merge_rows(store: ObjectStore, base: State, ours: State, theirs: State) -> MergedRows:
    """Merge a table whose files differ on both sides into one file, sorted by key.

    The file is a temporary one of the object store, to be taken or removed by the caller.
    """
    import duckdb

    states = dict(zip(_SIDES, (base, ours, theirs), strict=True))
    why = _mergeable([state[0] for state in states.values()])
    if why:
        return MergedRows(why)
    columns = [name for name, _ in ours[0].schema]
    with duckdb.connect() as connection:
        try:
            for name, state in states.items():
                attach(connection, name, store, *state)
        except NoKey as error:
            return MergedRows(error.message)
        values = [name for name in columns if name not in ours[0].key]
        _join(connection, ours[0].key, values)
        found = connection.execute("SELECT count(*) FROM noria_merged WHERE conflict").fetchone()
        count = int(found[0]) if found else 0
        if count:
            return MergedRows("", _conflicts(connection, ours[0]), count)
        file = store.temporary()
        _write(connection, ours[0], columns, values, file)
    return MergedRows("", file=file)


def _mergeable(tables: Sequence[TableEntry]) -> str:
    first = tables[0]
    if not first.key or any(table.key != first.key for table in tables):
        return "the table has no key, or not the same one on both sides"
    if any(table.format != first.format for table in tables):
        return "the table is not of one format"
    if any([name for name, _ in table.schema] != [name for name, _ in first.schema] for table in tables):
        return "the table's columns differ"
    if first.format == "parquet" and any(table.schema != first.schema for table in tables):
        return "the types of the table's columns differ"
    return ""


def _join(connection: Any, key: Sequence[str], values: Sequence[str]) -> None:
    """Make `noria_merged`: per key the three rows, whether they conflict, whether the row stays, the merged cells."""
    base, ours, theirs = _SIDES
    in_base, in_ours, in_theirs = (f"{side}.{quoted(key[0])} IS NOT NULL" for side in _SIDES)
    using = ", ".join(quoted(one) for one in key)
    keys = "".join(f", {quoted(one)} AS k{position}" for position, one in enumerate(key))
    cells = "".join(
        f""", CASE WHEN NOT ({in_ours}) THEN {theirs}.{c} WHEN NOT ({in_theirs}) THEN {ours}.{c}
              WHEN NOT ({in_base}) OR {ours}.{c} IS DISTINCT FROM {base}.{c} THEN {ours}.{c}
              ELSE {theirs}.{c} END AS m{position}"""
        for position, c in enumerate(map(quoted, values))
    )
    rows = ", ".join(
        f"{whole_row(side, [*key, *values])} AS {short}" for side, short in zip(_SIDES, "bot", strict=True)
    )
    crossing = " OR ".join(
        f"({ours}.{c} IS DISTINCT FROM {base}.{c} AND {theirs}.{c} IS DISTINCT FROM {base}.{c}"
        f" AND {ours}.{c} IS DISTINCT FROM {theirs}.{c})"
        for c in map(quoted, values)
    )
    connection.execute(
        f"""CREATE TABLE noria_merged AS SELECT {rows}{keys}{cells},
            CASE WHEN {in_base} AND {in_ours} AND {in_theirs} THEN ({crossing or "false"})
                 WHEN {in_base} AND {in_ours} THEN NOT ({_alike(base, ours, values)})
                 WHEN {in_base} AND {in_theirs} THEN NOT ({_alike(base, theirs, values)})
                 WHEN {in_ours} AND {in_theirs} THEN NOT ({_alike(ours, theirs, values)})
                 ELSE false END AS conflict,
            CASE WHEN {in_base} THEN {in_ours} AND {in_theirs} ELSE true END AS stays
            FROM {base} FULL JOIN {ours} USING ({using}) FULL JOIN {theirs} USING ({using})"""
    )


def _alike(one: str, other: str, values: Sequence[str]) -> str:
    return " AND ".join(f"{one}.{c} IS NOT DISTINCT FROM {other}.{c}" for c in map(quoted, values)) or "true"


def _conflicts(connection: Any, table: TableEntry) -> tuple[RowConflict, ...]:
    order = ", ".join(f"k{position}" for position in range(len(table.key)))
    query = f"SELECT b, o, t FROM noria_merged WHERE conflict ORDER BY {order} LIMIT {SHOWN}"
    found = []
    for rows in connection.execute(query).fetchall():
        sides = [row if row is not None and row[table.key[0]] is not None else None for row in rows]
        there = next(side for side in sides if side is not None)
        found.append(RowConflict(table.name, {one: there[one] for one in table.key}, *sides))
    return tuple(found)


def _write(connection: Any, table: TableEntry, columns: Sequence[str], values: Sequence[str], file: str) -> None:
    chosen = ", ".join(
        (f"k{table.key.index(one)}" if one in table.key else f"m{values.index(one)}") + f" AS {quoted(one)}"
        for one in columns
    )
    order = ", ".join(f"k{position}" for position in range(len(table.key)))
    how = "FORMAT parquet" if table.format == "parquet" else "FORMAT csv, HEADER true"
    target = file.replace("'", "''")
    connection.execute(f"COPY (SELECT {chosen} FROM noria_merged WHERE stays ORDER BY {order}) TO '{target}' ({how})")
