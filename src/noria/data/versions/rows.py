"""Rows of a keyed table, compared by DuckDB: which were added, removed and changed, and in which columns.

The rows of both sides are joined on the key; a cell differs when it is distinct (two nulls, and two NaNs, are not).
Parquet is compared by its types, CSV as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from noria.core.errors import BadInput
from noria.data.versions.model import Entry, RowChange, TableDiff, TableEntry
from noria.data.versions.objects import ObjectStore

SHOWN = 20
"""How many rows of a difference are told unless asked otherwise."""

_OLD, _NEW = "noria_old", "noria_new"


class NoKey(BadInput):
    """The key of a table does not name its rows: it is null, or two rows have the same."""

    code = "N3033"


def compare_tables(
    store: ObjectStore,
    old: tuple[TableEntry, Mapping[bytes, Entry]],
    new: tuple[TableEntry, Mapping[bytes, Entry]],
    limit: int = SHOWN,
) -> TableDiff:
    """How the rows of two states of a table differ; each state is the table and the entries of its files.

    Raises NoKey, NotFound, Corrupt.
    """
    import duckdb

    before, after = dict(old[0].schema), dict(new[0].schema)
    key = new[0].key
    common = [name for name in after if name in before and name not in key]
    columns = (
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        tuple(name for name in common if before[name] != after[name]),
    )
    if not key or key != old[0].key:
        return TableDiff(
            new[0].name, 0, 0, 0, *columns, {}, (), "rows are compared only with the same key on both sides"
        )
    with duckdb.connect() as connection:
        attach(connection, _OLD, store, *old)
        attach(connection, _NEW, store, *new)
        _join(connection, key, common, before, after)
        counts = connection.execute("SELECT kind, count(*) FROM noria_differences GROUP BY kind").fetchall()
        by_column = _by_column(connection, common)
        rows = _rows(connection, key, common, list(before), list(after), limit)
    number: dict[str, int] = dict(counts)
    totals = (number.get("added", 0), number.get("removed", 0), number.get("changed", 0))
    return TableDiff(new[0].name, *totals, *columns, by_column, rows)


def attach(connection: Any, name: str, store: ObjectStore, table: TableEntry, entries: Mapping[bytes, Entry]) -> None:
    """Make the rows of a state of a table a DuckDB table, and check its key. Raises NoKey, NotFound, Corrupt."""
    paths = [store.demand(entries[path].blake3, entries[path].size)[0] for path in table.files]
    reader = "read_parquet($1)" if table.format == "parquet" else "read_csv($1, header = true, all_varchar = true)"
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {reader}", [paths])
    keys = ", ".join(quoted(one) for one in table.key)
    nulls = " OR ".join(f"{quoted(one)} IS NULL" for one in table.key)
    twice = connection.execute(f"SELECT {keys} FROM {name} GROUP BY {keys} HAVING count(*) > 1 OR ({nulls}) LIMIT 1")
    found = twice.fetchone()
    if found is not None:
        told = ", ".join(f"{one}={value!r}" for one, value in zip(table.key, found, strict=True))
        said = f"the key of the table {table.name!r} does not name its rows: {told} is null or there twice"
        raise NoKey(said, hint="declare a key that is never null and never repeats")


def quoted(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def whole_row(table: str, columns: Iterable[str]) -> str:
    """SQL for a row as one value. The table's own name would not do: a column may be called the same."""
    return "struct_pack(" + ", ".join(f"{quoted(one)} := {table}.{quoted(one)}" for one in columns) + ")"


def _join(
    connection: Any, key: Sequence[str], common: Sequence[str], before: Iterable[str], after: Iterable[str]
) -> None:
    on = " AND ".join(f"{_OLD}.{quoted(one)} = {_NEW}.{quoted(one)}" for one in key)
    keys = "".join(
        f", coalesce({_OLD}.{quoted(one)}, {_NEW}.{quoted(one)}) AS k{position}" for position, one in enumerate(key)
    )
    differ = [f"{_OLD}.{quoted(one)} IS DISTINCT FROM {_NEW}.{quoted(one)}" for one in common]
    cells = "".join(f", {one} AS d{position}" for position, one in enumerate(differ))
    gone, new = f"{_NEW}.{quoted(key[0])} IS NULL", f"{_OLD}.{quoted(key[0])} IS NULL"
    connection.execute(
        f"""CREATE TABLE noria_differences AS SELECT {whole_row(_OLD, before)} AS o, {whole_row(_NEW, after)} AS n,
            CASE WHEN {new} THEN 'added' WHEN {gone} THEN 'removed' ELSE 'changed' END AS kind{keys}{cells}
            FROM {_OLD} FULL JOIN {_NEW} ON {on}
            WHERE {new} OR {gone} OR {" OR ".join(differ) or "false"}"""
    )


def _by_column(connection: Any, common: Sequence[str]) -> dict[str, int]:
    if not common:
        return {}
    sums = ", ".join(f"count(*) FILTER (WHERE d{position})" for position in range(len(common)))
    found = connection.execute(f"SELECT {sums} FROM noria_differences WHERE kind = 'changed'").fetchone()
    return {name: count for name, count in zip(common, found, strict=True) if count}


def _rows(
    connection: Any, key: Sequence[str], common: Sequence[str], before: Sequence[str], after: Sequence[str], limit: int
) -> tuple[RowChange, ...]:
    order = ", ".join(f"k{position}" for position in range(len(key)))
    query = f"SELECT kind, o, n FROM noria_differences ORDER BY {order} LIMIT {int(limit)}"
    found = []
    for kind, old, new in connection.execute(query).fetchall():
        named = {one: (old if kind == "removed" else new)[one] for one in key}
        sides: tuple[dict[str, Any], dict[str, Any]]
        if kind == "added":
            sides = ({}, {one: new[one] for one in after if one not in key})
        elif kind == "removed":
            sides = ({one: old[one] for one in before if one not in key}, {})
        else:
            sides = _differing(old, new, common)
        found.append(RowChange(kind, named, *sides))
    return tuple(found)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], common: Sequence[str]) -> tuple[Any, Any]:
    names = [one for one in common if old[one] != new[one] and not (old[one] != old[one] and new[one] != new[one])]
    return {one: old[one] for one in names}, {one: new[one] for one in names}
