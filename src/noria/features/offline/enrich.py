"""Rows with what the newest rows of other sources said when they became known."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from noria.core.clock import Micros
from noria.features.model import FOREVER, Knowledge, LatestJoin
from noria.features.offline.events import Events, Wanted, prepare
from noria.features.offline.latest import Newest, latest
from noria.features.offline.made import listed
from noria.features.offline.task import Ground
from noria.features.sql import default_of, quoted


def enrich(
    connection: duckdb.DuckDBPyConnection,
    events: Events,
    join: LatestJoin,
    columns: list[str],
    rows: str,
    knowledge: Knowledge,
) -> None:
    """Add `columns` of a join to the table of events, from the SQL `rows` of the joined source."""
    types = {column.name: column.dtype for column in join.columns}
    moment = "noria_at" if knowledge == "as_of_event" else "noria_known"
    parts = listed(f"{_equal(mine, types[theirs])} AS noria_e{place}" for place, (mine, theirs) in enumerate(join.on))
    present = " AND ".join(f"{quoted(mine)} IS NOT NULL" for mine, _ in join.on)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE noria_wide AS SELECT *, row_number() OVER () AS noria_id FROM {events.table}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE noria_asked AS SELECT noria_id AS noria_row, {moment} AS noria_t, {parts} "
        f"FROM noria_wide WHERE {present}"
    )
    first, last = _between(connection, join.ttl)
    needed = {name: types[name] for name in columns}
    wanted = Wanted(join, rows, [theirs for _, theirs in join.on], needed, first, last, knowledge)
    ground = Ground(connection, prepare(connection, wanted, "noria_joined"), "noria_asked")
    newest = [Newest(quoted(join.name(name)), name, join.ttl) for name in columns]
    latest(ground, newest, "noria_answers", keyed=join.key is not None, key_default=default_of(types, join.key))
    chosen = listed(quoted(join.name(name)) for name in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {events.table} AS SELECT w.* EXCLUDE (noria_id), {chosen} "
        "FROM noria_wide w LEFT JOIN noria_answers a ON w.noria_id = a.noria_row"
    )


def joined_columns(joins: tuple[LatestJoin, ...], used: Mapping[str, object]) -> dict[str, list[str]]:
    """Of each joined source the columns that are used."""
    return {join.source: [one.name for one in join.columns if join.name(one.name) in used] for join in joins}


def _equal(name: str, dtype: str) -> str:
    return f"{quoted(name)} + 0.0" if dtype == "float" else quoted(name)


def _between(connection: duckdb.DuckDBPyConnection, ttl: Micros | None) -> tuple[Micros, Micros]:
    found = connection.execute("SELECT min(noria_t), max(noria_t) FROM noria_asked").fetchone()
    assert found is not None
    first, last = found
    if first is None:
        return 0, 0
    return (-FOREVER if ttl is None else first - ttl), last
