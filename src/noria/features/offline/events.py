"""The rows of a source as the plans take them: each event once, with when it counted and when it was taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from noria.core.clock import Micros
from noria.core.schema import DType
from noria.data.model import INGESTED_AT
from noria.features.model import Knowledge, LatestJoin, ViewSpec
from noria.features.offline.made import both, entities, listed
from noria.features.sql import quoted


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted, and how: of the SQL `rows`, those that happened from `first` to `last`.

    `entity` are the columns that name the entity, `columns` the others that are needed, with their types.
    """

    of: ViewSpec | LatestJoin
    rows: str
    entity: Sequence[str]
    columns: Mapping[str, DType]
    first: Micros
    last: Micros
    knowledge: Knowledge


@dataclass(frozen=True)
class Events:
    """A table of events: how many, whether some counted only after they had happened, whether some were taken back."""

    table: str
    entities: int
    rows: int
    late: bool
    undone: bool
    first: Micros
    last: Micros


def prepare(connection: duckdb.DuckDBPyConnection, wanted: Wanted, table: str) -> Events:
    """Make the table of events: duplicates and events that never counted are gone."""
    kept, of = _selected(wanted), wanted.of
    keys = listed([*entities(len(wanted.entity)), "noria_key", "noria_at"])
    gone = "NULL::BIGINT"
    if of.key is not None:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE noria_rows AS {kept}")
        kept = "SELECT * FROM noria_rows"
        if of.retraction is not None:
            kept += " WHERE NOT noria_back"
            gone = "noria_gone"
        if _any(connection, f"SELECT 1 FROM ({kept}) WHERE noria_key IS NOT NULL GROUP BY {keys} HAVING count(*) > 1"):
            order = f"PARTITION BY {keys} ORDER BY noria_known"
            kept = f"SELECT * FROM ({kept}) QUALIFY noria_key IS NULL OR row_number() OVER ({order}) = 1"
        if of.retraction is not None:
            backs = f"SELECT {keys}, min(noria_known) AS noria_gone FROM noria_rows WHERE noria_back GROUP BY ALL"
            kept = f"SELECT * FROM ({kept}) LEFT JOIN ({backs}) USING ({keys})"
    hindsight = wanted.knowledge == "as_of_event"
    seen = "noria_at" if hindsight else "noria_known"
    counting = f"{gone} IS NULL" if hindsight else f"coalesce({gone} > noria_known, TRUE)"
    shown = listed(["noria_at", "noria_known", "noria_key", *(quoted(name) for name in wanted.columns)])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {listed(entities(len(wanted.entity)))}, {shown}, "
        f"{seen} AS noria_seen, {gone} AS noria_gone FROM ({kept}) WHERE {counting}"
    )
    return _counted(connection, table, len(wanted.entity))


def _selected(wanted: Wanted) -> str:
    of, event_time = wanted.of, quoted(wanted.of.event_time)
    types = {column.name: column.dtype for column in of.columns}
    named = [f"{_equal(name, types)} AS noria_e{place}" for place, name in enumerate(wanted.entity)]
    values = [f"{_finite(name, dtype)} AS {quoted(name)}" for name, dtype in wanted.columns.items()]
    key = quoted(of.key) if of.key else "NULL::INTEGER"
    back = f", {_back(of.retraction, types)} AS noria_back" if of.retraction else ""
    present = [f"{quoted(name)} IS NOT NULL" for name in [*wanted.entity, of.event_time]]
    return (
        f"SELECT {listed(named)}, {event_time} AS noria_at, greatest({INGESTED_AT}, {event_time}) AS noria_known, "
        f"{key} AS noria_key{back}{''.join(f', {value}' for value in values)} FROM ({wanted.rows}) "
        f"WHERE {both(present)} AND {event_time} BETWEEN {wanted.first} AND {wanted.last}"
    )


def _finite(name: str, dtype: DType) -> str:
    """A column; what is no finite number is no value."""
    return f"CASE WHEN isfinite({quoted(name)}) THEN {quoted(name)} END" if dtype == "float" else quoted(name)


def _equal(name: str, types: Mapping[str, DType]) -> str:
    """An entity's column; minus zero is zero."""
    return f"{quoted(name)} + 0.0" if types.get(name) == "float" else quoted(name)


def _back(name: str, types: Mapping[str, DType]) -> str:
    """Whether a row takes its event back (`model.takes_back`)."""
    mark = quoted(name) if types.get(name) == "bool" else f"{quoted(name)} < 0"
    return f"coalesce({mark}, FALSE)"


def _any(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    return connection.execute(f"{query} LIMIT 1").fetchone() is not None


def _counted(connection: duckdb.DuckDBPyConnection, table: str, parts: int) -> Events:
    found = connection.execute(
        "SELECT count(*), count_if(noria_seen > noria_at), count(noria_gone), min(noria_at), max(noria_at) "
        f"FROM {table}"
    ).fetchone()
    assert found is not None
    rows, late, undone, first, last = found
    return Events(table, parts, rows, bool(late), bool(undone), first or 0, last or 0)
