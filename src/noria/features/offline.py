"""Features of many requests at once, point-in-time and as known, in DuckDB.

A row counts for a request at t when it had happened and was known by then. **Windows**: rows are rolled up
into cells by entity, by the hop they happened in and by the hop they became known in. A request takes the
cells of its window that were known before its own hop began (shared by all requests of an entity and hop),
and beside them, one by one, the rows that became known within its hop. Late rows need no path of their own,
and nothing is ever subtracted. **Newest values**: a row can only ever be an answer if nothing newer was known
when it came; what is left rises in both times, so that an as-of join on the moment of knowing finds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from noria.core.clock import Micros
from noria.core.schema import DType
from noria.data.model import INGESTED_AT
from noria.features.aggregates.partial import Slot
from noria.features.aggregates.slots import column_types, layout, slots_of
from noria.features.model import FeatureSpec, ViewSpec
from noria.features.sql import condition, floored, quoted
from noria.features.windows import hop_of, lookback

_LIFT = {
    "rows": "count(*)",
    "values": "count({v})",
    "sum": "coalesce(sum({v}), 0)",
    "min": "min({v})",
    "max": "max({v})",
}
_MERGE = {"min": "min", "max": "max"}


@dataclass(frozen=True)
class Made:
    """A table keyed by `noria_row` (rows without an answer may be missing) whose columns are `features`."""

    table: str
    features: tuple[str, ...]


class Join:
    """Joins features of views to the table `spine(noria_row, noria_t, …)` of one connection.

    `first` and `last` are the earliest and latest moment asked about.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, first: Micros, last: Micros) -> None:
        self._connection, self._first, self._last = connection, first, last

    def view(self, view: ViewSpec, keys: tuple[str, ...], events: str) -> list[Made]:
        """Compute a view for the requests' columns `keys`, from the rows that the SQL `events` selects.

        Column names of the tables made are full feature names, such as `Airport.mean_delay_1h`.
        """
        columns = "".join(f", {quoted(column)}" for column in sorted(set(_columns(view))))
        entity, event_time = _together(view.entities), quoted(view.event_time)
        self._run(
            f"CREATE OR REPLACE TEMP TABLE events AS SELECT {entity} AS noria_e, {event_time} AS noria_at, "
            f"greatest({INGESTED_AT}, {event_time}) AS noria_known{columns} FROM ({events}) "
            f"WHERE {event_time} BETWEEN {self._first - lookback([view])} AND {self._last} "
            f"AND {_present(view.entities)}"
        )
        self._run(
            f"CREATE OR REPLACE TEMP TABLE asked AS SELECT noria_row, noria_t, {_together(keys)} AS noria_e FROM spine "
            f"WHERE {_present(keys)}"
        )
        windows = sorted({feature.window for feature in view.features if feature.window is not None})
        for hop in sorted({hop_of(window) for window in windows}):
            self._cells(view, hop)
        made = [self._window(view, window) for window in windows]
        newest = [feature for feature in view.features if feature.ttl is not None]
        return [*made, self._latest(view, newest)] if newest else made

    def _cells(self, view: ViewSpec, hop: Micros) -> None:
        lifts = ", ".join(f"{_lifted(slot)} AS s{place}" for place, slot in enumerate(layout(view)))
        happened, learnt = floored("noria_at", hop), floored("noria_known", hop)
        self._run(
            f"CREATE OR REPLACE TEMP TABLE cells_{hop} AS SELECT noria_e, {happened} AS tile, {learnt} AS learnt, "
            f"{lifts} FROM events GROUP BY ALL"
        )

    def _window(self, view: ViewSpec, window: Micros) -> Made:
        features = [feature for feature in view.features if feature.window == window]
        slots = {slot: place for place, slot in enumerate(layout(view)) if _used(slot, features, column_types(view))}
        hop, table = hop_of(window), quoted(f"{view.name} over {window}")
        lift = ", ".join(f"{_lifted(slot)} AS s{place}" for slot, place in slots.items())
        merge = ", ".join(f"{_MERGE.get(slot.kind, 'sum')}(s{place}) AS s{place}" for slot, place in slots.items())
        partial = ", ".join(f"s{place}" for place in slots.values())
        bounds = f"{floored(f'noria_t - {window}', hop)} AS lo, {floored('noria_t', hop)} AS hi"
        self._run(f"CREATE OR REPLACE TEMP TABLE bounded AS SELECT *, {bounds} FROM asked")
        self._run(
            "CREATE OR REPLACE TEMP TABLE bodies AS "
            f"WITH ranges AS (SELECT noria_e, lo, hi, unnest(range(lo, hi, {hop})) AS tile "
            "FROM (SELECT DISTINCT noria_e, lo, hi FROM bounded)) "
            f"SELECT noria_e, lo, hi, {merge} FROM ranges JOIN cells_{hop} USING (noria_e, tile) "
            "WHERE learnt < hi GROUP BY ALL"
        )
        body = f"SELECT noria_row, {partial} FROM bounded JOIN bodies USING (noria_e, lo, hi)"
        head = (
            f"SELECT noria_row, {lift} FROM bounded "
            f"JOIN (SELECT *, {floored('noria_known', hop)} AS hi FROM events) e USING (noria_e, hi) "
            "WHERE noria_known <= noria_t AND noria_at < noria_t AND noria_at >= lo GROUP BY noria_row"
        )
        values = ", ".join(
            f"{_lowered(feature, slots, column_types(view))} AS {quoted(f'{view.name}.{feature.name}')}"
            for feature in features
        )
        self._run(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT noria_row, {values} "
            f"FROM (SELECT noria_row, {merge} FROM ({body} UNION ALL {head}) GROUP BY noria_row)"
        )
        return Made(table, tuple(f"{view.name}.{feature.name}" for feature in features))

    def _latest(self, view: ViewSpec, features: list[FeatureSpec]) -> Made:
        table, values = quoted(f"{view.name} newest"), ", ".join(f"v{place}" for place in range(len(features)))
        largest = ", ".join(f"max({quoted(one.column or '')}) AS v{place}" for place, one in enumerate(features))
        answers = ", ".join(
            f"CASE WHEN noria_t - noria_at <= {one.ttl} THEN v{place} END AS {quoted(f'{view.name}.{one.name}')}"
            for place, one in enumerate(features)
        )
        moments = f"SELECT noria_e, noria_at, noria_known, {largest} FROM events GROUP BY ALL"
        best = (
            f"SELECT * FROM ({moments}) "
            "QUALIFY row_number() OVER (PARTITION BY noria_e, noria_known ORDER BY noria_at DESC) = 1"
        )
        rising = (
            f"SELECT noria_e, noria_at, noria_known, {values} FROM ({best}) QUALIFY noria_at >= coalesce("
            "max(noria_at) OVER (PARTITION BY noria_e ORDER BY noria_known "
            "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), noria_at)"
        )
        self._run(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT noria_row, {answers} FROM asked a ASOF JOIN ({rising}) e "
            "ON a.noria_e = e.noria_e AND a.noria_t >= e.noria_known"
        )
        return Made(table, tuple(f"{view.name}.{feature.name}" for feature in features))

    def _run(self, statement: str) -> None:
        self._connection.execute(statement)


def _columns(view: ViewSpec) -> Iterable[str]:
    for feature in view.features:
        if feature.column:
            yield feature.column
        if feature.predicate:
            yield feature.predicate.column


def _together(columns: tuple[str, ...]) -> str:
    named = ", ".join(f"e{place} := {quoted(column)}" for place, column in enumerate(columns))
    return quoted(columns[0]) if len(columns) == 1 else f"struct_pack({named})"


def _present(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{quoted(column)} IS NOT NULL" for column in columns)


def _used(slot: Slot, features: Iterable[FeatureSpec], types: dict[str, DType]) -> bool:
    return any(slot in slots_of(feature, types) for feature in features)


def _lifted(slot: Slot) -> str:
    if slot.predicate is not None:
        return (
            f"count_if({condition(slot.predicate)})"
            if slot.kind == "true"
            else f"count({quoted(slot.predicate.column)})"
        )
    return _LIFT[slot.kind].format(v=quoted(slot.column or ""))


def _lowered(feature: FeatureSpec, slots: dict[Slot, int], types: dict[str, DType]) -> str:
    """SQL for a feature's value from merged slots; what no column of its type can hold is null."""
    first, *rest = (f"s{slots[slot]}" for slot in slots_of(feature, types))
    if feature.kind in ("count", "min", "max"):
        return first
    if feature.kind == "sum" and feature.dtype == "int":
        return f"CASE WHEN {rest[0]} > 0 THEN TRY_CAST({first} AS BIGINT) END"
    value = f"{first}::DOUBLE" if feature.kind == "sum" else f"{first}::DOUBLE / {rest[0]}"
    return f"CASE WHEN {rest[0]} > 0 AND isfinite({value}) THEN {value} END"
