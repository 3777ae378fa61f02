"""One raw file sifted: rows that fit the declaration, typed; rows that do not, with the reason.

Everything is one DuckDB query a file, so a check costs no more than the reading. Times become int64
microseconds UTC whatever they were (nanoseconds, text, naive); a row's `ingested_at` is its event time where
the file does not say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from noria.core.digest import canonical, digest
from noria.core.schema import Column, Schema
from noria.core.suggest import did_you_mean
from noria.data.model import INGESTED_AT, Problem, SnapshotFile, UnreadableFile
from noria.data.tables import sifted_files
from noria.workspace.workspace import Workspace

_RULES = 1
"""Raised whenever sifting changes, so that results of an older release are not reused."""
_SQL = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN"}
REASON = "reason"


@dataclass(frozen=True)
class Sifted:
    """What a file held. `good` and `bad` are Parquet blobs (bad: None when there was none)."""

    name: str
    good: str
    rows: int
    first_event: int
    last_event: int
    last_ingested: int
    bad: str | None
    bad_rows: int
    problems: tuple[Problem, ...]
    statistics: dict[str, dict[str, Any]]


def sift(ws: Workspace, schema: Schema, file: SnapshotFile) -> Sifted:
    """Sift one raw file, or take the result of an earlier time.

    Raises UnreadableFile when it is not what its name says or lacks a column.
    """
    rules = digest([_RULES, schema])
    key = sifted_files.c
    query = sa.select(key.value).where(key.raw == file.digest, key.rules == rules)
    with ws.database.reading() as connection:
        kept = connection.execute(query).scalar_one_or_none()
    if kept is not None:
        found = msgspec.json.decode(kept, type=Sifted)
        if ws.blobs.exists(found.good) and (found.bad is None or ws.blobs.exists(found.bad)):
            return replace(found, name=file.name)
    sifted = _sift(ws, schema, file)
    row = {"raw": file.digest, "rules": rules, "value": canonical(sifted)}
    with ws.database.transaction() as connection:
        ws.database.upsert(connection, sifted_files, [row], ["raw", "rules"])
    return sifted


def _sift(ws: Workspace, schema: Schema, file: SnapshotFile) -> Sifted:
    connection = duckdb.connect(config={"threads": 2})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        present = _read(connection, ws.blobs.path(file.digest), file.name)
        _require(schema, present, file.name)
        connection.execute(f"CREATE TEMP TABLE sifted AS {_query(schema, present)}")
        good = connection.sql(_good(schema)).to_arrow_table()
        bad = connection.sql("SELECT * EXCLUDE (noria_row) FROM sifted WHERE reason IS NOT NULL ORDER BY noria_row")
        bad_table = bad.to_arrow_table()
        problems = (*_reasons(connection), *_order(connection, schema), *_repeats(connection, schema))
        statistics = _statistics(connection, schema)
    except duckdb.Error as error:
        raise UnreadableFile(f"{file.name} cannot be read: {_first_line(error)}", hint=_remedy(file.name)) from error
    finally:
        connection.close()
    times, known = good[schema.event_time], good[INGESTED_AT]
    return Sifted(
        name=file.name,
        good=ws.blobs.put(parquet(good)),
        rows=good.num_rows,
        first_event=int(times[0].as_py()) if good.num_rows else 0,
        last_event=int(times[-1].as_py()) if good.num_rows else 0,
        last_ingested=int(pc.max(known).as_py()) if good.num_rows else 0,
        bad=ws.blobs.put(parquet(bad_table)) if bad_table.num_rows else None,
        bad_rows=bad_table.num_rows,
        problems=problems,
        statistics=statistics,
    )


def parquet(table: pa.Table) -> bytes:
    """A table as Parquet bytes, the same bytes for the same rows."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue())


def _read(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> dict[str, str]:
    """Make the view `raw` over a file; gives its columns with their DuckDB types."""
    reader = "read_csv('{}', all_varchar = true, header = true)" if name.endswith(".csv") else "read_parquet('{}')"
    connection.execute(f"CREATE TEMP VIEW raw AS SELECT * FROM {reader.format(path.as_posix())}")
    return {row[0]: row[1] for row in connection.execute("DESCRIBE raw").fetchall()}


def _require(schema: Schema, present: dict[str, str], name: str) -> None:
    missing = [column for column in schema.names if column not in present]
    if missing:
        guess = did_you_mean(missing[0], present)
        raise UnreadableFile(
            f"{name} has no column {', '.join(map(repr, missing))}; it has {', '.join(present)}",
            hint=guess or "name the columns of the source as the file does",
        )


def _query(schema: Schema, present: dict[str, str]) -> str:
    """Every row with typed columns, the reason why it is bad (or null), and its number."""
    event = schema.event_time
    known = _time(INGESTED_AT, present[INGESTED_AT]) if INGESTED_AT in present else "NULL::BIGINT"
    typed = [f"{_typed(column, present[column.name])} AS {_name(column.name)}" for column in schema]
    raw = [f"{_name(column.name)} IS NULL AS {_name('null ' + column.name)}" for column in schema]
    extra = [
        f"isnan({_double(column)}) AS {_name('nan ' + column.name)}" for column in schema if column.dtype == "float"
    ]
    inner = ", ".join([*typed, *raw, *extra])
    checks = [check for column in schema for check in _checks(column)]
    checks.append(f"CASE WHEN {_name(event)} > noria_known THEN '{event}: later than it was ingested' END")
    if schema.key:
        order = f"PARTITION BY {_name(schema.key)} ORDER BY {_name(event)}, noria_known, noria_row"
        checks.append(
            f"CASE WHEN {_name(schema.key)} IS NOT NULL AND row_number() OVER ({order}) > 1 "
            f"THEN '{schema.key}: used by an earlier row' END"
        )
    columns = ", ".join(_cleaned(column) for column in schema)
    return (
        f"WITH numbered AS (SELECT row_number() OVER () AS noria_row, * FROM raw), "
        f"typed AS (SELECT noria_row, {inner}, {known} AS noria_given FROM numbered), "
        f"known AS (SELECT *, coalesce(noria_given, {_name(event)}) AS noria_known FROM typed) "
        f"SELECT {columns}, noria_known AS {INGESTED_AT}, "
        f"nullif(concat_ws('; ', {', '.join(checks)}), '') AS {REASON}, noria_row FROM known"
    )


def _typed(column: Column, duck: str) -> str:
    if column.dtype == "time":
        return _time(column.name, duck)
    return f"TRY_CAST({_name(column.name)} AS {_SQL[column.dtype]})"


def _double(column: Column) -> str:
    return f"TRY_CAST({_name(column.name)} AS DOUBLE)"


def _time(name: str, duck: str) -> str:
    quoted = _name(name)
    if duck in ("BIGINT", "INTEGER", "HUGEINT"):
        return f"{quoted}::BIGINT"
    if duck.startswith("TIMESTAMP") and "NS" in duck:
        quoted = f"{quoted}::{'TIMESTAMPTZ' if 'TZ' in duck or 'TIME ZONE' in duck else 'TIMESTAMP'}"
    elif not duck.startswith("TIMESTAMP"):
        quoted = f"TRY_CAST({quoted} AS TIMESTAMPTZ)"
    return f"epoch_us({quoted})"


def _checks(column: Column) -> list[str]:
    name, null = _name(column.name), _name("null " + column.name)
    found = [f"CASE WHEN {name} IS NULL AND NOT {null} THEN '{column.name}: not of type {column.dtype}' END"]
    if not column.nullable:
        found.append(f"CASE WHEN {null} THEN '{column.name}: null' END")
    if column.dtype == "float":
        nan = _name("nan " + column.name)
        found.append(f"CASE WHEN isinf({name}) THEN '{column.name}: infinite' END")
        if not column.nullable:
            found.append(f"CASE WHEN {nan} THEN '{column.name}: not a number' END")
    guard = f"NOT isnan({name}) AND " if column.dtype == "float" else ""
    if column.at_least is not None:
        found.append(
            f"CASE WHEN {guard}{name} < {column.at_least!r} THEN '{column.name}: below {column.at_least:g}' END"
        )
    if column.at_most is not None:
        found.append(f"CASE WHEN {guard}{name} > {column.at_most!r} THEN '{column.name}: above {column.at_most:g}' END")
    return found


def _cleaned(column: Column) -> str:
    name = _name(column.name)
    if column.dtype == "float" and column.nullable:
        return f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END AS {name}"
    return name


def _good(schema: Schema) -> str:
    columns = ", ".join(map(_name, (*schema.names, INGESTED_AT)))
    order = f"{_name(schema.event_time)}, {INGESTED_AT}, noria_row"
    return f"SELECT {columns} FROM sifted WHERE {REASON} IS NULL ORDER BY {order}"


def _reasons(connection: duckdb.DuckDBPyConnection) -> list[Problem]:
    query = (
        f"SELECT unnest(string_split({REASON}, '; ')) AS one, count(*), min(noria_row) FROM sifted "
        f"WHERE {REASON} IS NOT NULL GROUP BY one ORDER BY one"
    )
    found = []
    for reason, rows, first in connection.execute(query).fetchall():
        column, _, said = reason.partition(": ")
        found.append(Problem("row", column, rows, said, f"row {first}"))
    return found


def _order(connection: duckdb.DuckDBPyConnection, schema: Schema) -> list[Problem]:
    event = _name(schema.event_time)
    query = (
        f"SELECT count(*) FROM (SELECT {event} < lag({event}) OVER (ORDER BY noria_row) AS back FROM sifted) WHERE back"
    )
    (rows,) = connection.execute(query).fetchone() or (0,)
    return [Problem("time order", schema.event_time, rows, "earlier than the row before")] if rows else []


def _repeats(connection: duckdb.DuckDBPyConnection, schema: Schema) -> list[Problem]:
    if schema.key:
        return []
    columns = ", ".join(map(_name, schema.names))
    query = f"SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT {columns} FROM sifted)) FROM sifted"
    (rows,) = connection.execute(query).fetchone() or (0,)
    return [Problem("repeated row", "", rows, "equal to another row in every column")] if rows else []


def _statistics(connection: duckdb.DuckDBPyConnection, schema: Schema) -> dict[str, dict[str, Any]]:
    found = {}
    for column in schema:
        name = _name(column.name)
        number = column.dtype in ("int", "float")
        mean = f"avg({name}) FILTER (isfinite({name}::DOUBLE))" if number else "NULL"
        query = (
            f"SELECT count(*) - count({name}), min({name}), max({name}), {mean}, approx_count_distinct({name}) "
            f"FROM sifted WHERE {REASON} IS NULL"
        )
        nulls, low, high, average, distinct = connection.execute(query).fetchone() or (0, None, None, None, 0)
        found[column.name] = {"nulls": nulls, "min": low, "max": high, "mean": average, "distinct": distinct}
    return found


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _remedy(name: str) -> str:
    return f"is {name} whole, and of the kind that its name says? Nothing of this snapshot was used"
