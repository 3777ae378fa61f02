"""What features mean, in the plainest words that run: the reference that both engines are held against.

Nothing here is fast, shared with the engines or clever: every question looks at every row.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from noria.features.model import FeatureSpec, Predicate, ViewSpec

_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne
}  # fmt: skip

Row = Mapping[str, Any]


def answer(view: ViewSpec, rows: Sequence[Row], entity: Any, at: int) -> dict[str, Any]:
    """Every feature of `entity` at `at`, as known then. Rows have the source's columns and `ingested_at`."""
    known = [] if entity is None else [row for row in rows if row[view.entity] == entity and row["ingested_at"] <= at]
    return {feature.name: _feature(view, feature, known, at) for feature in view.features}


def _feature(view: ViewSpec, feature: FeatureSpec, known: Sequence[Row], at: int) -> Any:
    if feature.kind == "latest":
        return _latest(view, feature, known, at)
    assert feature.window is not None
    hop = 5 * _MINUTE if feature.window <= 12 * _HOUR else _HOUR if feature.window <= 12 * _DAY else _DAY
    start = (at - feature.window) // hop * hop
    inside = [row for row in known if start <= row[view.event_time] < at]
    if feature.kind == "share":
        assert feature.predicate is not None
        judged = [_holds(feature.predicate, row) for row in inside if row[feature.predicate.column] is not None]
        return sum(judged) / len(judged) if judged else None
    values = [row[feature.column] for row in inside if row[feature.column] is not None] if feature.column else inside
    return _aggregate(feature, values)


def _aggregate(feature: FeatureSpec, values: Sequence[Any]) -> Any:
    if feature.kind == "count":
        return len(values)
    if not values:
        return None
    if feature.kind == "mean":
        return sum(values) / len(values)
    if feature.kind in ("min", "max"):
        return min(values) if feature.kind == "min" else max(values)
    total = sum(values)
    return total if feature.dtype == "float" or -(2**63) <= total < 2**63 else None


def _latest(view: ViewSpec, feature: FeatureSpec, known: Sequence[Row], at: int) -> Any:
    """Of rows that happened and became known together the largest value counts; null is the smallest."""
    assert feature.ttl is not None
    happened = [row for row in known if row[view.event_time] <= at]
    if not happened:
        return None

    def age(row: Row) -> tuple[Any, ...]:
        value = row[feature.column or ""]
        return (row[view.event_time], row["ingested_at"], value is not None, 0 if value is None else value)

    newest = max(happened, key=age)
    return newest[feature.column or ""] if at - newest[view.event_time] <= feature.ttl else None


def _holds(predicate: Predicate, row: Row) -> bool:
    return bool(_COMPARE[predicate.op](row[predicate.column], predicate.value))
