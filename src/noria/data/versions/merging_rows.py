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
from noria.data.versions.rows import SHOWN, NoKey, attach, quoted

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

    names = ("base", "ours", "theirs")
    states = dict(zip(names, (base, ours, theirs), strict=True))
    why = _mergeable(*states.values())
    if why:
        return MergedRows(why)
    columns = [name for name, _ in ours[0].schema]
    with duckdb.connect() as connection:
        try:
            for name, state in states.items():
                attach(connection, name, store, *state)
        except NoKey as error:
            return MergedRows(error.message)
        _join(connection, ours[0].key, columns)
        (count,) = connection.sql("SELECT count(*) FROM merged WHERE conflict").fetchone() or (0,)
        if count:
            return MergedRows("", _conflicts(connection, ours[0]), count)
        file = store.temporary()
        _write(connection, ours[0], columns, file)
    return MergedRows("", file=file)


def _mergeable(base: TableEntry | Any, ours: Any, theirs: Any) -> str:
    tables = [state[0] for state in (base, ours, theirs)]
    if not ours[0].key or any(table.key != ours[0].key for table in tables):
        return "the table has no key, or not the same one on both sides"
    if any(table.format != ours[0].format for table in tables):
        return "the table is not of one format"
    if any([name for name, _ in table.schema] != [name for name, _ in ours[0].schema] for table in tables):
        return "the table's columns differ"
    if ours[0].format == "parquet" and any(table.schema != ours[0].schema for table in tables):
        return "the types of the table's columns differ"
    return ""


def _join(connection: Any, key: Sequence[str], columns: Sequence[str]) -> None:
    """Make `merged`: for each key the three rows, whether they conflict, whether it stays, and the merged cells."""
    first = quoted(key[0])
    using = ", ".join(quoted(one) for one in key)
    has = {side: f"{side}.{first} IS NOT NULL" for side in ("base", "ours", "theirs")}
    values = [one for one in columns if one not in key]
    alike = {
        (one, other): _all(f"{one}.{quoted(c)} IS NOT DISTINCT FROM {other}.{quoted(c)}" for c in values)
        for one, other in (("base", "ours"), ("base", "theirs"), ("ours", "theirs"))
    }
    crossing = _any(
        f"(ours.{quoted(c)} IS DISTINCT FROM base.{quoted(c)} AND theirs.{quoted(c)} IS DISTINCT FROM base.{quoted(c)}"
        f" AND ours.{quoted(c)} IS DISTINCT FROM theirs.{quoted(c)})"
        for c in values
    )
    in_base, in_ours, in_theirs = has["base"], has["ours"], has["theirs"]
    cells = "".join(
        f""", CASE WHEN NOT ({in_ours}) THEN theirs.{quoted(c)} WHEN NOT ({in_theirs}) THEN ours.{quoted(c)}
              WHEN NOT ({in_base}) THEN ours.{quoted(c)}
              WHEN ours.{quoted(c)} IS DISTINCT FROM base.{quoted(c)} THEN ours.{quoted(c)}
              ELSE theirs.{quoted(c)} END AS m{position}"""
        for position, c in enumerate(values)
    )
    connection.execute(
        f"""CREATE TABLE merged AS SELECT base AS b, ours AS o, theirs AS t, {using}{cells},
            CASE WHEN {in_base} AND {in_ours} AND {in_theirs} THEN {crossing}
                 WHEN {in_base} AND {in_ours} THEN NOT {alike["base", "ours"]}
                 WHEN {in_base} AND {in_theirs} THEN NOT {alike["base", "theirs"]}
                 WHEN {in_ours} AND {in_theirs} THEN NOT {alike["ours", "theirs"]}
                 ELSE false END AS conflict,
            CASE WHEN {in_base} THEN {in_ours} AND {in_theirs} ELSE true END AS stays
            FROM base FULL JOIN ours USING ({using}) FULL JOIN theirs USING ({using})"""
    )


def _conflicts(connection: Any, table: TableEntry) -> tuple[RowConflict, ...]:
    using = ", ".join(quoted(one) for one in table.key)
    query = f"SELECT b, o, t FROM merged WHERE conflict ORDER BY {using} LIMIT {SHOWN}"
    found = []
    for rows in connection.sql(query).fetchall():
        sides = [row if row is not None and row[table.key[0]] is not None else None for row in rows]
        there = next(side for side in sides if side is not None)
        found.append(RowConflict(table.name, {one: there[one] for one in table.key}, *sides))
    return tuple(found)


def _write(connection: Any, table: TableEntry, columns: Sequence[str], file: str) -> None:
    values = [one for one in columns if one not in table.key]
    chosen = ", ".join(quoted(one) if one in table.key else f"m{values.index(one)} AS {quoted(one)}" for one in columns)
    using = ", ".join(quoted(one) for one in table.key)
    how = "FORMAT parquet" if table.format == "parquet" else "FORMAT csv, HEADER true"
    target = file.replace("'", "''")
    connection.execute(f"COPY (SELECT {chosen} FROM merged WHERE stays ORDER BY {using}) TO '{target}' ({how})")


def _all(parts: Any) -> str:
    return "(" + (" AND ".join(parts) or "true") + ")"


def _any(parts: Any) -> str:
    return "(" + (" OR ".join(parts) or "false") + ")"
