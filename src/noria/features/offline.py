"""Features of many requests at once, point-in-time and as known, in DuckDB.

A window over rows that were known when they happened is merged from tiles (one partial an entity and hop)
and a head (the rows since the last full hop); rows that came late are joined exactly on both times beside
it, and the partials merged. The newest value is an as-of join, and again an exact join for late rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from noria.core.clock import Micros
from noria.data.model import INGESTED_AT, Part
from noria.features.model import FeatureSpec, Predicate, ViewSpec
from noria.features.slots import Slot, layout, slots_of
from noria.features.windows import hop_of, lookback

_LIFT = {
    "rows": "count(*)",
    "values": "count({v})",
    "sum": "coalesce(sum({v}), 0)",
    "min": "min({v})",
    "max": "max({v})",
}
_MERGE = {"min": "min", "max": "max"}


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def floored(moment: str, hop: Micros) -> str:
    """SQL for the last multiple of `hop` at or before `moment`; DuckDB's own division would truncate."""
    return f"({moment} - (({moment} % {hop}) + {hop}) % {hop})"


def read(paths: Mapping[str, Sequence[Part]], source: str, locate: Mapping[str, str], columns: Iterable[str]) -> str:
    """SQL for the rows of a source's parts, of each only those ingested by its `as_of`."""
    chosen = ", ".join(quoted(column) for column in dict.fromkeys([*columns, INGESTED_AT]))
    pieces = []
    for part in paths[source]:
        known = f" WHERE {INGESTED_AT} <= {part.as_of}" if part.as_of is not None else ""
        pieces.append(f"SELECT {chosen} FROM read_parquet('{locate[part.digest]}'){known}")
    return " UNION ALL ".join(pieces)


class Join:
    """Joins the features of views to the table `spine(noria_row, noria_t, …)` of one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, first: Micros, last: Micros) -> None:
        self._connection, self._first, self._last = connection, first, last

    def view(self, view: ViewSpec, key: str, events: str) -> list[tuple[str, str]]:
        """Make one table a feature, keyed by `noria_row`; gives each feature's full name and its table."""
        needed = {view.entity, view.event_time, INGESTED_AT, *_columns(view)}
        columns = ", ".join(quoted(column) for column in sorted(needed))
        earliest = self._first - lookback([view])
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE events AS SELECT {columns}, {quoted(view.entity)} AS noria_e, "
            f"{quoted(view.event_time)} AS noria_at, {INGESTED_AT} AS noria_known FROM ({events}) "
            f"WHERE {quoted(view.event_time)} BETWEEN {earliest} AND {self._last} AND {quoted(view.entity)} IS NOT NULL"
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE asked AS SELECT noria_row, noria_t, {quoted(key)} AS noria_e FROM spine "
            f"WHERE {quoted(key)} IS NOT NULL"
        )
        late = self._count("events WHERE noria_known > noria_at") > 0
        made = []
        windows = sorted({feature.window for feature in view.features if feature.window is not None})
        for window in windows:
            made += self._window(view, window, late=late)
        for feature in view.features:
            if feature.ttl is not None:
                made.append(self._latest(view, feature, late=late))
        return made

    def _window(self, view: ViewSpec, window: Micros, *, late: bool) -> list[tuple[str, str]]:
        features = [feature for feature in view.features if feature.window == window]
        slots = tuple(slot for slot in layout(view) if any(slot in slots_of(feature) for feature in features))
        hop, name = hop_of(window), f"w{window}_{view.name}"
        lift = ", ".join(f"{_lifted(slot)} AS s{number}" for number, slot in enumerate(slots))
        merge = ", ".join(
            f"{_MERGE.get(slot.kind, 'sum')}(s{number}) AS s{number}" for number, slot in enumerate(slots)
        )
        bounds = f"{floored(f'noria_t - {window}', hop)} AS lo, {floored('noria_t', hop)} AS hi"
        tile = floored("noria_at", hop)
        on_time = "events WHERE noria_known <= noria_at"
        steps = [
            f"CREATE OR REPLACE TEMP TABLE bounded AS SELECT *, {bounds} FROM asked",
            f"CREATE OR REPLACE TEMP TABLE tiles AS SELECT noria_e, {tile} AS tile, {lift} FROM {on_time} GROUP BY ALL",
            "CREATE OR REPLACE TEMP TABLE ranges AS SELECT noria_e, lo, hi, unnest(range(lo, hi, "
            f"{hop})) AS tile FROM (SELECT DISTINCT noria_e, lo, hi FROM bounded)",
            f"CREATE OR REPLACE TEMP TABLE bodies AS SELECT noria_e, lo, hi, {merge} FROM ranges "
            "JOIN tiles USING (noria_e, tile) GROUP BY ALL",
        ]
        numbers = ", ".join(f"s{number}" for number in range(len(slots)))
        pieces = [
            f"SELECT noria_row, {numbers} FROM bounded JOIN bodies USING (noria_e, lo, hi)",
            f"SELECT b.noria_row, {lift} FROM bounded b JOIN (SELECT *, {tile} AS hi FROM {on_time}) e "
            "USING (noria_e, hi) WHERE e.noria_at < b.noria_t GROUP BY b.noria_row",
        ]
        if late:
            pieces.append(self._late_window(lift, tile, hop))
        partials = " UNION ALL ".join(pieces)
        steps.append(
            f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT noria_row, {merge} FROM ({partials}) GROUP BY ALL"
        )
        for step in steps:
            self._connection.execute(step)
        made = []
        for feature in features:
            table = quoted(f"{view.name}.{feature.name}")
            value = _lowered(feature, slots)
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT noria_row, {value} AS v FROM {quoted(name)}"
            )
            made.append((f"{view.name}.{feature.name}", table))
        return made

    def _late_window(self, lift: str, tile: str, hop: Micros) -> str:
        return (
            f"SELECT b.noria_row, {lift} FROM (SELECT *, unnest(range(lo, hi + {hop}, {hop})) AS tile FROM bounded) b "
            f"JOIN (SELECT *, {tile} AS tile FROM events WHERE noria_known > noria_at) e USING (noria_e, tile) "
            "WHERE e.noria_at < b.noria_t AND e.noria_known <= b.noria_t GROUP BY b.noria_row"
        )

    def _latest(self, view: ViewSpec, feature: FeatureSpec, *, late: bool) -> tuple[str, str]:
        ttl, value = feature.ttl or 0, quoted(feature.column or "")
        newest = "ORDER BY noria_at DESC, noria_known DESC, v DESC NULLS LAST"
        on_time = (
            f"SELECT noria_e, noria_at, noria_known, {value} AS v FROM events WHERE noria_known <= noria_at "
            "QUALIFY row_number() OVER (PARTITION BY noria_e, noria_at "
            "ORDER BY noria_known DESC, v DESC NULLS LAST) = 1"
        )
        pieces = [
            f"SELECT a.noria_row, e.noria_at, e.noria_known, e.v FROM asked a ASOF JOIN ({on_time}) e "
            f"ON a.noria_e = e.noria_e AND a.noria_t >= e.noria_at WHERE a.noria_t - e.noria_at <= {ttl}"
        ]
        if late:
            pieces.append(self._late_latest(value, ttl))
        table = quoted(f"{view.name}.{feature.name}")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT noria_row, v FROM ({' UNION ALL '.join(pieces)}) "
            f"QUALIFY row_number() OVER (PARTITION BY noria_row {newest}) = 1"
        )
        return f"{view.name}.{feature.name}", table

    def _late_latest(self, value: str, ttl: Micros) -> str:
        bucket = max(ttl, 1)
        probes = f"SELECT *, unnest([noria_t, noria_t - {bucket}]) AS probe FROM asked"
        asked = f"SELECT *, {floored('probe', bucket)} AS bucket FROM ({probes})"
        events = f"SELECT *, {floored('noria_at', bucket)} AS bucket FROM events WHERE noria_known > noria_at"
        return (
            f"SELECT a.noria_row, e.noria_at, e.noria_known, {value} AS v FROM ({asked}) a JOIN ({events}) e "
            "USING (noria_e, bucket) WHERE e.noria_at <= a.noria_t AND e.noria_known <= a.noria_t "
            f"AND a.noria_t - e.noria_at <= {ttl}"
        )

    def _count(self, of: str) -> int:
        (found,) = self._connection.execute(f"SELECT count(*) FROM {of}").fetchone() or (0,)
        return int(found)


def _columns(view: ViewSpec) -> Iterable[str]:
    for feature in view.features:
        if feature.column:
            yield feature.column
        if feature.predicate:
            yield feature.predicate.column


def _lifted(slot: Slot) -> str:
    if slot.predicate is not None:
        column = quoted(slot.predicate.column)
        return f"count_if({_sql(slot.predicate)})" if slot.kind == "true" else f"count({column})"
    return _LIFT[slot.kind].format(v=quoted(slot.column or ""))


def _sql(predicate: Predicate) -> str:
    value = predicate.value
    constant = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
    op = {"==": "=", "!=": "<>"}.get(predicate.op, predicate.op)
    return f"{quoted(predicate.column)} {op} {constant}"


def _lowered(feature: FeatureSpec, slots: tuple[Slot, ...]) -> str:
    first, *rest = (f"s{slots.index(slot)}" for slot in slots_of(feature))
    if feature.kind in ("count", "min", "max"):
        return first
    if feature.kind == "sum":
        return f"CASE WHEN {rest[0]} > 0 THEN {first} END"
    return f"CASE WHEN {rest[0]} > 0 THEN {first}::DOUBLE / {rest[0]} END"
