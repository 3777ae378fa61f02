"""What the columns of a table hold: share missing, range, distinct values, the most frequent ones, a histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noria.data.suites.examples import plain
from noria.data.suites.expectations.numbers import deviation
from noria.data.suites.fields import FLOATING, Field
from noria.data.suites.table import Opened

BINS = 24
TOP = 12


@dataclass(frozen=True)
class Profile:
    """One column. `distinct` is an estimate (HyperLogLog, about 2 %); infinities are left out of figures.

    `bars` are (label, rows): equal bins of numbers and moments from `least` to `greatest`, else the most frequent
    values, the rest last under an empty label (an empty text is written `''`).
    """

    name: str
    type: str
    rows: int
    missing: int
    distinct: int
    least: Any = None
    greatest: Any = None
    infinite: int = 0
    mean: float | None = None
    deviation: float | None = None
    bars: Sequence[tuple[str, int]] = ()
    binned: bool = False


def profile(there: Opened) -> dict[str, Profile]:
    """Every column of the table: one pass for the figures, and one a column for its bars."""
    asks = {(name, key): sql for name, field in there.fields.items() for key, sql in _figures(field).items()}
    row = there.ask(f"SELECT count(*){''.join(f', {sql}' for sql in asks.values())} FROM __table")[0]
    found: dict[str, dict[str, Any]] = {name: {} for name in there.fields}
    for (name, key), value in zip(asks, row[1:], strict=True):
        found[name][key] = value
    return {name: _profile(there, field, row[0], found[name]) for name, field in there.fields.items()}


def finite(field: Field) -> str:
    """A cell as SQL, null when it is missing or infinite."""
    return f"CASE WHEN isfinite({field.sql}) THEN {field.sql} END" if field.type in FLOATING else field.sql


def _figures(field: Field) -> dict[str, str]:
    asks = {"there": f"count({field.sql})", "distinct": f"approx_count_distinct({field.sql})"}
    if field.kind != "other":
        asks |= {"least": f"min({finite(field)})", "greatest": f"max({finite(field)})"}
    if field.type in FLOATING:
        asks["infinite"] = f"count(*) FILTER (WHERE isinf({field.sql}))"
    if field.kind == "number":
        asks |= {"mean": f"avg({finite(field)})", "deviation": deviation(field, "TRUE")}
    return asks


def _profile(there: Opened, field: Field, rows: int, found: Mapping[str, Any]) -> Profile:
    binned = field.kind in ("number", "time") and found["distinct"] > TOP and found["least"] is not None
    bars = _bins(there, field, found["least"], found["greatest"]) if binned else _top(there, field)
    return Profile(
        field.name, field.type, rows, rows - found["there"], min(found["distinct"], found["there"]),
        found.get("least"), found.get("greatest"), found.get("infinite", 0), found.get("mean"),
        found.get("deviation"), bars, binned,
    )  # fmt: skip


def _bins(there: Opened, field: Field, least: Any, greatest: Any) -> list[tuple[str, int]]:
    cell = f"epoch({field.sql})" if field.kind == "time" else f"({finite(field)})::DOUBLE"
    low, high = there.ask(f"SELECT min({cell}), max({cell}) FROM __table")[0]
    width = (high - low) / BINS or 1.0
    place = f"least({BINS - 1}, greatest(0, floor(({cell} - {low!r}) / {width!r})))::INTEGER"
    sql = f"SELECT {place} AS bin, count(*) FROM __table WHERE {cell} IS NOT NULL GROUP BY 1"
    counts = dict(there.ask(sql))
    if field.kind == "time":
        return [(f"bin {n + 1} of {BINS}, {least:%Y-%m-%d} to {greatest:%Y-%m-%d}", counts.get(n, 0))
                for n in range(BINS)]  # fmt: skip
    return [(f"{low + n * width:.4g} to {low + (n + 1) * width:.4g}", counts.get(n, 0)) for n in range(BINS)]


def _top(there: Opened, field: Field) -> list[tuple[str, int]]:
    counts = f"SELECT {field.sql} AS v, count(*) AS n FROM __table WHERE {field.sql} IS NOT NULL GROUP BY 1"
    found = there.ask(f"SELECT v, n, sum(n) OVER () FROM ({counts}) ORDER BY n DESC, v LIMIT {TOP}")
    if not found:
        return []
    rest = int(found[0][2]) - sum(row[1] for row in found)
    bars = [(str(plain(value)) or "''", count) for value, count, _ in found]
    return [*bars, ("", rest)] if rest else bars
