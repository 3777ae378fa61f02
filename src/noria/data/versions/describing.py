"""Tables among the files: which files are a table's, its columns, how many rows, and their extremes.

A Parquet file says all of this in its footer, so no row is read; a CSV file is read once by DuckDB. A table whose
files are what they were is not looked at again.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from noria.core.errors import BadInput
from noria.data.model import UnreadableFile
from noria.data.versions.model import Entry, TableEntry, TableSpec, shown
from noria.data.versions.objects import ObjectStore

_FORMATS: dict[bytes, Literal["parquet", "csv"]] = {b".parquet": "parquet", b".pq": "parquet", b".csv": "csv"}


class BadTable(BadInput):
    """A declared table cannot be one: no such files, files of two kinds, columns that differ, a key that is none."""

    code = "N3030"


def parse_spec(text: str) -> TableSpec:
    """`NAME=PATTERN` or `NAME=PATTERN:KEY,KEY`. Raises BadInput.

    >>> parse_spec("flights=flights/*.parquet:year,id").key
    ('year', 'id')
    """
    name, equals, rest = text.partition("=")
    pattern, _, key = rest.partition(":")
    if not (name and equals and pattern):
        raise BadInput(
            f"{text!r} declares no table", hint="write NAME=PATTERN:KEY, such as flights=flights/*.parquet:id"
        )
    return TableSpec(name, pattern, tuple(one.strip() for one in key.split(",") if one.strip()))


def describe_tables(
    store: ObjectStore, specs: Iterable[TableSpec], entries: Sequence[Entry], before: Mapping[str, TableEntry],
    old: Mapping[bytes, Entry],
) -> list[TableEntry]:  # fmt: skip
    """Describe each declared table; one that is as it was `before` (with the entries `old`) is not read.

    A table that has no files (any more) is left out. Raises BadTable, UnreadableFile.
    """
    found = []
    for spec in specs:
        files = [entry for entry in entries if entry.kind in ("file", "program") and _belongs(spec, entry.path)]
        known = before.get(spec.name)
        if known is not None and _unchanged(known, spec, files, old):
            found.append(known)
        elif files:
            found.append(_describe(store, spec, files))
    return found


def _belongs(spec: TableSpec, path: bytes) -> bool:
    return fnmatch.fnmatchcase(path.decode("utf-8", "surrogateescape"), spec.pattern)


def _unchanged(known: TableEntry, spec: TableSpec, files: Sequence[Entry], old: Mapping[bytes, Entry]) -> bool:
    return (
        (known.pattern, known.key) == (spec.pattern, spec.key)
        and known.files == tuple(entry.path for entry in files)
        and all(old[entry.path].blake3 == entry.blake3 for entry in files if entry.path in old)
        and all(entry.path in old for entry in files)
    )


def _describe(store: ObjectStore, spec: TableSpec, files: Sequence[Entry]) -> TableEntry:
    formats = {_FORMATS.get(b"." + entry.path.rpartition(b".")[2].lower()) for entry in files}
    kind = formats.pop()
    if formats or kind is None:
        hint = "give a pattern that matches files of one kind"
        raise BadTable(
            f"the table {spec.name!r} ({spec.pattern}) needs files that are all .parquet or all .csv", hint=hint
        )
    reader = _parquet if kind == "parquet" else _csv
    schema, rows, statistics = reader(store, spec, files)
    missing = [column for column in spec.key if column not in dict(schema)]
    if missing:
        there = ", ".join(name for name, _ in schema)
        raise BadTable(f"the table {spec.name!r} has no column {missing[0]!r} to be its key; it has: {there}")
    paths = tuple(entry.path for entry in files)
    return TableEntry(spec.name, kind, spec.pattern, spec.key, schema, rows, statistics, paths)


_Described = tuple[tuple[tuple[str, str], ...], int, dict[str, dict[str, Any]]]


def _parquet(store: ObjectStore, spec: TableSpec, files: Sequence[Entry]) -> _Described:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema: tuple[tuple[str, str], ...] | None = None
    rows, statistics = 0, dict[str, dict[str, Any]]()
    for entry in files:
        try:
            footer = pq.read_metadata(store.demand(entry.blake3, entry.size)[0])
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"{shown(entry.path)} is no Parquet file: {str(error)[:120]}") from error
        here = tuple((field.name, str(field.type)) for field in footer.schema.to_arrow_schema())
        if schema is not None and here != schema:
            said = f"{shown(entry.path)} has other columns than the files of {spec.name!r} before it"
            raise BadTable(said, hint="declare them as two tables, or write the files with one schema")
        schema, rows = here, rows + footer.num_rows
        _add_footer(statistics, footer)
    return schema or (), rows, {name: _finished(one) for name, one in statistics.items()}


def _add_footer(statistics: dict[str, dict[str, Any]], footer: Any) -> None:
    for group in range(footer.num_row_groups):
        for position in range(footer.num_columns):
            column = footer.row_group(group).column(position)
            one = statistics.setdefault(column.path_in_schema, {"nulls": 0, "known": True})
            known = column.statistics
            if known is None or not known.has_min_max:
                one["known"] = one["known"] and known is not None and known.null_count == column.num_values
            else:
                one["min"] = min(one.get("min", known.min), known.min)
                one["max"] = max(one.get("max", known.max), known.max)
            one["nulls"] += known.null_count or 0 if known is not None else 0


def _finished(one: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"nulls": one["nulls"]}
    if one["known"] and "min" in one:
        kept |= {"min": str(one["min"])[:200], "max": str(one["max"])[:200]}
    return kept


def _csv(store: ObjectStore, spec: TableSpec, files: Sequence[Entry]) -> _Described:
    import duckdb

    paths = [store.demand(entry.blake3, entry.size)[0] for entry in files]
    with duckdb.connect() as connection:
        try:
            summary = connection.sql("SUMMARIZE SELECT * FROM read_csv($1, header = true)", params=[paths])
            found = summary.project("column_name, column_type, min, max, count, null_percentage").fetchall()
        except duckdb.Error as error:
            said = f"the files of the table {spec.name!r} are no CSV files: {str(error).splitlines()[0][:160]}"
            raise UnreadableFile(said) from error
    rows = int(found[0][4]) if found else 0
    statistics = {
        name: {"nulls": round(float(share or 0) * rows / 100), "min": str(low)[:200], "max": str(high)[:200]}
        for name, _, low, high, _, share in found
    }
    return tuple((name, kind) for name, kind, *_ in found), rows, statistics
