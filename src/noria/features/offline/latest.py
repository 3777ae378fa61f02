"""Newest values: an as-of join on the moment of knowing.

A row can only ever be an answer if nothing newer was known when it came; what is left rises in both times, so
the last of them known by the moment asked about is the newest. Rows that were taken back are candidates beside
it, one by one, while they counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noria.core.clock import Micros
from noria.features.model import Predicate
from noria.features.offline.made import both, listed
from noria.features.offline.task import VISIBLE, Ground
from noria.features.sql import condition, quoted


@dataclass(frozen=True)
class Newest:
    """One value that is asked for: a column of the newest row for which `where` holds, not older than `ttl`."""

    name: str
    column: str
    ttl: Micros | None = None
    where: tuple[Predicate, ...] = ()


def latest(ground: Ground, wanted: Sequence[Newest], table: str, *, keyed: bool, key_default: str = "0") -> None:
    """Make `table` of (noria_row, values…) for the requests of `asked`; all of `wanted` have the same `where`."""
    columns = list(dict.fromkeys(one.column for one in wanted))
    held = [condition(predicate) for predicate in wanted[0].where]
    settled = both([*held, "noria_gone IS NULL"])
    found = _settled(ground, settled, columns, keyed=keyed, key_default=key_default)
    if ground.events.undone:
        undone = f"SELECT * FROM {ground.events.table} WHERE {both([*held, 'noria_gone IS NOT NULL'])}"
        found = _best(f"{found} UNION ALL {_undone(ground, undone, columns)}", columns, key_default)
    values = (
        f"{_within(one.ttl)}v{columns.index(one.column)}{' END' if one.ttl is not None else ''} AS {one.name}"
        for one in wanted
    )
    ground.run(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT noria_row, {listed(values)} FROM ({found})")


def _within(ttl: Micros | None) -> str:
    return "" if ttl is None else f"CASE WHEN noria_t - noria_at <= {ttl} THEN "


def _settled(ground: Ground, settled: str, columns: Sequence[str], *, keyed: bool, key_default: str) -> str:
    """The newest row of each request among those that were never taken back.

    The as-of join is of moments and row numbers alone; the values of the rows found are fetched afterwards.
    """
    moment = f"{ground.entity}, noria_at, noria_known, noria_seen"
    narrow = f"SELECT {moment}, noria_key, rowid AS noria_id FROM {ground.events.table} WHERE {settled}"
    together = ground.events.late or _several(ground, narrow, f"{ground.entity}, noria_seen")
    if together and _several(ground, narrow, moment):
        values = listed(f"{quoted(column)} AS v{place}" for place, column in enumerate(columns))
        rows = f"SELECT {moment}, noria_key, {values} FROM {ground.events.table} WHERE {settled}"
        merged = _merged(rows, moment, len(columns), keyed=keyed, key_default=key_default)
        return f"SELECT {_SHOWN}, {listed(_places(columns))} FROM ({_found(ground, _rising(ground, merged))})"
    found = _found(ground, _rising(ground, narrow) if together else narrow)
    values = listed(f"v.{quoted(column)} AS v{place}" for place, column in enumerate(columns))
    shown = ", ".join(f"f.{name}" for name in _SHOWN.split(", "))
    return f"SELECT {shown}, {values} FROM ({found}) f JOIN {ground.events.table} v ON v.rowid = f.noria_id"


_SHOWN = "noria_row, noria_t, noria_at, noria_known, noria_key"


def _found(ground: Ground, rows: str) -> str:
    """Requests with the last row that was known by then."""
    return (
        f"SELECT a.noria_row, a.noria_t, e.* FROM {ground.asked} a ASOF JOIN ({rows}) e ON {ground.by_entity} "
        "AND a.noria_t >= e.noria_seen"
    )


def _rising(ground: Ground, rows: str) -> str:
    """The rows than which nothing newer was known when they came."""
    by_seen = f"PARTITION BY {ground.entity}, noria_seen ORDER BY noria_at DESC, noria_known DESC"
    best = f"SELECT * FROM ({rows}) QUALIFY row_number() OVER ({by_seen}) = 1"
    before = (
        f"max(noria_at) OVER (PARTITION BY {ground.entity} ORDER BY noria_seen "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    return f"SELECT * FROM ({best}) QUALIFY noria_at >= coalesce({before}, noria_at)"


def _several(ground: Ground, rows: str, group: str) -> bool:
    """Whether any two rows are of one group."""
    query = f"SELECT 1 FROM ({rows}) GROUP BY {group} HAVING count(*) > 1 LIMIT 1"
    return ground.connection.execute(query).fetchone() is not None


def _merged(named: str, moment: str, columns: int, *, keyed: bool, key_default: str) -> str:
    """Rows that happened and became known together as one: the largest key's values; among equals the largest."""
    if not keyed:
        values = listed(f"max(v{place}) AS v{place}" for place in range(columns))
        return f"SELECT {moment}, NULL::INTEGER AS noria_key, {values} FROM ({named}) GROUP BY {moment}"
    values = listed(f"max({_ranked(place, key_default)}).v AS v{place}" for place in range(columns))
    return f"SELECT {moment}, max(noria_key) AS noria_key, {values} FROM ({named}) GROUP BY {moment}"


def _ranked(place: int, key_default: str, *also: str) -> str:
    """A value with what it is ordered by; a null key or value is the smallest (a structure's null is the largest)."""
    key = f"h := noria_key IS NOT NULL, i := coalesce(noria_key, {key_default})"
    return f"struct_pack({''.join(f'{one}, ' for one in also)}{key}, f := v{place} IS NOT NULL, v := v{place})"


def _undone(ground: Ground, rows: str, columns: Sequence[str]) -> str:
    values = listed(f"{quoted(column)} AS v{place}" for place, column in enumerate(columns))
    return (
        f"SELECT noria_row, noria_t, noria_at, noria_known, noria_key, {values} FROM {ground.asked} a "
        f"JOIN ({rows}) e ON {ground.by_entity} AND {VISIBLE}"
    )


def _best(candidates: str, columns: Sequence[str], key_default: str) -> str:
    ranked = listed(
        f"max({_ranked(place, key_default, 'a := noria_at', 'k := noria_known')}).v AS v{place}"
        for place in range(len(columns))
    )
    return (
        f"SELECT noria_row, noria_t, max(noria_at) AS noria_at, {ranked} FROM ({candidates}) "
        "GROUP BY noria_row, noria_t"
    )


def _places(columns: Sequence[str]) -> list[str]:
    return [f"v{place}" for place in range(len(columns))]
