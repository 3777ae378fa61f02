"""What features mean, in the plainest words that run: the reference that every engine is held against.

Nothing here is fast, shared with the engines or clever: every question looks at every row. Only the hash and
the buckets of the two sketches are written out a second time, from their published definitions. Sums and
variances are computed on fractions, so they are exact.
"""

from __future__ import annotations

import hashlib
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from noria.features.model import FeatureSpec, Knowledge, LatestJoin, Predicate, ViewSpec

_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne
}  # fmt: skip

Row = Mapping[str, Any]
Rows = Sequence[Row]


def answer(
    view: ViewSpec,
    rows: Rows | Mapping[str, Rows],
    entity: tuple[Any, ...],
    at: int,
    knowledge: Knowledge = "as_known",
) -> dict[str, Any]:
    """Every feature of `entity` at `at`, as known then, or with hindsight.

    `rows` are those of the view's source, or those of each source by its name. Rows have their source's
    columns and `ingested_at`.
    """
    sources = rows if isinstance(rows, Mapping) else {view.source: rows}
    mine = [row for row in sources[view.source] if _entity(view, row) == entity and None not in entity]
    hindsight = knowledge == "as_of_event"
    joined = [_joined(view, row, sources, hindsight) for row in _counting(view, mine, at, hindsight)]
    return {feature.name: _feature(view, feature, joined, at) for feature in view.features}


def _entity(view: ViewSpec, row: Row) -> tuple[Any, ...]:
    return tuple(row[column] for column in view.entities)


def _counting(of: ViewSpec | LatestJoin, rows: Rows, at: int, hindsight: bool) -> Rows:
    """Of one entity's rows the events that count for a question at `at`, each once."""
    known = [dict(row) for row in rows if hindsight or row["ingested_at"] <= at]  # each an object of its own
    counting: list[Row] = []
    for row in known:
        if _takes_back(of, row):
            continue
        same = [other for other in known if _same_event(of, row, other)]
        if any(_takes_back(of, other) for other in same):
            continue
        first = min(other["ingested_at"] for other in same)
        if row["ingested_at"] == first and not any(_same_event(of, row, other) for other in counting):
            counting.append(row)
    return counting


def _takes_back(of: ViewSpec | LatestJoin, row: Row) -> bool:
    mark: Any = row[of.retraction] if of.retraction else None
    return mark is True or (isinstance(mark, int) and mark < 0)


def _same_event(of: ViewSpec | LatestJoin, row: Row, other: Row) -> bool:
    if of.key is None or row[of.key] is None:
        return row is other
    return bool(row[of.key] == other[of.key] and row[of.event_time] == other[of.event_time])


def _joined(view: ViewSpec, row: Row, sources: Mapping[str, Rows], hindsight: bool) -> dict[str, Any]:
    """A row with what the newest rows of other sources said when it became known; with hindsight, when it happened."""
    moment = row[view.event_time] if hindsight else row["ingested_at"]
    wide = dict(row)
    for join in view.joins:
        key = tuple(row[mine] for mine, _ in join.on)
        theirs = [other for other in sources[join.source] if tuple(other[name] for _, name in join.on) == key]
        counting = _counting(join, theirs, moment, hindsight) if None not in key else []
        for column in join.columns:
            wide[join.name(column.name)] = _newest_value(join, column.name, counting, moment, join.ttl)
    return wide


def _newest_value(of: ViewSpec | LatestJoin, column: str, rows: Rows, at: int, ttl: int | None) -> Any:
    happened = [row for row in rows if row[of.event_time] <= at]
    if not happened:
        return None
    newest = max(happened, key=lambda row: _age(of, row, column))
    return newest[column] if ttl is None or at - newest[of.event_time] <= ttl else None


def _age(of: ViewSpec | LatestJoin, row: Row, column: str) -> tuple[Any, ...]:
    """What is newer: later, known later, of a larger key, of a larger value; null is the smallest."""
    key = row[of.key] if of.key else None
    return row[of.event_time], row["ingested_at"], *_nulls_first(key), *_nulls_first(row[column])


def _nulls_first(value: Any) -> tuple[bool, Any]:
    return value is not None, 0 if value is None else value


def _feature(view: ViewSpec, feature: FeatureSpec, rows: Rows, at: int) -> Any:
    wanted = [row for row in rows if all(_holds(predicate, row) for predicate in feature.where)]
    if feature.kind == "latest":
        return _newest_value(view, feature.column or "", wanted, at, feature.ttl)
    inside = [row for row in wanted if _start(feature, at) <= row[view.event_time] < at - feature.offset]
    if feature.kind == "share":
        assert feature.predicate is not None
        judged = [_holds(feature.predicate, row) for row in inside if row[feature.predicate.column] is not None]
        return sum(judged) / len(judged) if judged else None
    if feature.column is None:
        return len(inside)
    inside = [row for row in inside if row[feature.column] is not None]
    inside.sort(key=lambda row: _age(view, row, feature.column or ""))
    return _aggregate(feature, [row[feature.column] for row in inside])


def _start(feature: FeatureSpec, at: int) -> float:
    if feature.lifetime:
        return -math.inf
    assert feature.window is not None
    by_length = 5 * _MINUTE if feature.window <= 12 * _HOUR else _HOUR if feature.window <= 12 * _DAY else _DAY
    hop = feature.hop or by_length
    return (at - feature.offset - feature.window) // hop * hop


def _aggregate(feature: FeatureSpec, values: list[Any]) -> Any:
    """The aggregate of non-null values, oldest first."""
    if feature.kind == "count":
        return len(values)
    if feature.kind == "distinct":
        return distinct(values)
    if feature.kind == "last_n":
        return values[::-1][: feature.n]
    if not values:
        return None
    simple: dict[str, Callable[[list[Any]], Any]] = {
        "min": min,
        "max": max,
        "first": lambda _: values[0],
        "last": lambda _: values[-1],
    }
    if feature.kind in simple:
        return simple[feature.kind](values)
    if feature.kind == "quantile":
        assert feature.quantile is not None
        return quantile(values, feature.quantile)
    return _moment(feature, [Fraction(value) for value in values])


def _moment(feature: FeatureSpec, values: list[Fraction]) -> Any:
    total = sum(values, Fraction(0))
    if feature.kind == "sum":
        if feature.dtype == "float":
            return _double(total)
        return int(total) if -(2**63) <= total < 2**63 else None
    if feature.kind == "mean":
        return _double(total / len(values))
    if len(values) < 2:
        return None
    values = [Fraction(float(value)) for value in values]  # variances are of doubles
    mean = sum(values, Fraction(0)) / len(values)
    variance = sum(((value - mean) ** 2 for value in values), Fraction(0)) / (len(values) - 1)
    spread = _double(variance)
    return spread if feature.kind == "var" or spread is None else math.sqrt(spread)


def _double(value: Fraction) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def distinct(values: Sequence[Any]) -> int:
    """HyperLogLog over 4,096 registers: three hexadecimal digits of the MD5 choose one, the next ten are ranked."""
    registers = [0] * 4096
    for value in values:
        text = value if isinstance(value, str) else str(value).lower()
        bits = format(int(hashlib.md5(text.encode()).hexdigest()[:13], 16), "052b")
        chosen, rest = int(bits[:12], 2), bits[12:]
        registers[chosen] = max(registers[chosen], len(rest) - len(rest.lstrip("0")) + 1)
    raw = 0.7213 / (1 + 1.079 / 4096) * 4096 * 4096 / (sum(2 ** (41 - rank) for rank in registers) / 2**41)
    empty = registers.count(0)
    return math.floor((4096 * math.log(4096 / empty) if raw <= 2.5 * 4096 and empty else raw) + 0.5)


def quantile(values: Sequence[float], q: float) -> float:
    """The middle of the bucket of the value of rank ceil(q n); a bucket is 1/64 of a power of two."""
    value = float(sorted(values)[max(1, math.ceil(q * len(values))) - 1])
    power = 2.0**-1022
    if abs(value) < power:
        return 0.0
    while abs(value) / power >= 2:
        power *= 2
    step = math.floor((abs(value) / power - 1) * 64)
    return math.copysign(power * (1 + (step + 0.5) / 64), value)


def _holds(predicate: Predicate, row: Row) -> bool:
    value = row[predicate.column]
    return value is not None and bool(_COMPARE[predicate.op](value, predicate.value))
