"""Rows of a keyed table, compared by DuckDB: which were added, removed and changed, and in which columns.

The rows of both sides are joined on the key; a cell differs when it is distinct (two nulls, and two NaNs, are not).
Parquet is compared by its types, CSV as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.errors import BadInput
from noria.data.versions.model import Entry, RowChange, TableDiff, TableEntry
from noria.data.versions.objects import ObjectStore

SHOWN = 20
"""How many rows of a difference are told unless asked otherwise."""


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
        attach(connection, "old", store, *old)
        attach(connection, "new", store, *new)
        _join(connection, key, common)
        counts = connection.sql("SELECT kind, count(*) FROM differences GROUP BY kind").fetchall()
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
    twice = connection.sql(f"SELECT {keys} FROM {name} GROUP BY {keys} HAVING count(*) > 1 OR ({nulls}) LIMIT 1")
    found = twice.fetchone()
    if found is not None:
        told = ", ".join(f"{one}={value!r}" for one, value in zip(table.key, found, strict=True))
        said = f"the key of the table {table.name!r} does not name its rows: {told} is null or there twice"
        raise NoKey(said, hint="declare a key that is never null and never repeats")


def quoted(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _join(connection: Any, key: Sequence[str], common: Sequence[str]) -> None:
    on = " AND ".join(f"old.{quoted(one)} = new.{quoted(one)}" for one in key)
    first = quoted(key[0])
    cells = ", ".join(
        f"old.{quoted(one)} IS DISTINCT FROM new.{quoted(one)} AS d{position}" for position, one in enumerate(common)
    )
    differs = " OR ".join(f"old.{quoted(one)} IS DISTINCT FROM new.{quoted(one)}" for one in common) or "false"
    connection.execute(
        f"""CREATE TABLE differences AS SELECT old AS o, new AS n,
            CASE WHEN old.{first} IS NULL THEN 'added' WHEN new.{first} IS NULL THEN 'removed' ELSE 'changed' END AS kind
            {"," if cells else ""} {cells}
            FROM old FULL JOIN new ON {on}
            WHERE old.{first} IS NULL OR new.{first} IS NULL OR {differs}"""
    )


def _by_column(connection: Any, common: Sequence[str]) -> dict[str, int]:
    if not common:
        return {}
    sums = ", ".join(f"count(*) FILTER (WHERE d{position})" for position in range(len(common)))
    found = connection.sql(f"SELECT {sums} FROM differences WHERE kind = 'changed'").fetchone()
    return {name: count for name, count in zip(common, found, strict=True) if count}


def _rows(
    connection: Any, key: Sequence[str], common: Sequence[str], before: Sequence[str], after: Sequence[str], limit: int
) -> tuple[RowChange, ...]:
    keys = ", ".join(f"coalesce(o.{quoted(one)}, n.{quoted(one)})" for one in key)
    query = f"SELECT kind, o, n FROM differences ORDER BY {keys} LIMIT {int(limit)}"
    found = []
    for kind, old, new in connection.sql(query).fetchall():
        row = new if kind != "removed" else old
        named = {one: row[one] for one in key}
        others = {
            "added": ({}, {one: new[one] for one in after if one not in key} if new else {}),
            "removed": ({one: old[one] for one in before if one not in key} if old else {}, {}),
        }.get(kind) or _differing(old, new, common)
        found.append(RowChange(kind, named, *others))
    return tuple(found)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], common: Sequence[str]) -> tuple[Any, Any]:
    names = [one for one in common if old[one] != new[one] and not (old[one] != old[one] and new[one] != new[one])]
    return {one: old[one] for one in names}, {one: new[one] for one in names}
