"""What features are by DESIGN section 4, in the plainest Python: every row looked at for every question.

Slow on purpose: nothing is shared with the code it judges but the specifications themselves.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from noria.core.clock import Micros
from noria.features.model import FeatureSpec, ViewSpec

_MINUTE = 60_000_000
_COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A row of a source, when it happened, and when it could be known."""

    row: Mapping[str, Any]
    at: Micros
    ingested: Micros


def features_at(view: ViewSpec, rows: Iterable[Known], entity: Any, t: Micros) -> dict[str, Any]:
    """Every feature of the view for `entity`, as it was known at `t`."""
    known = [one for one in rows if entity is not None and one.row[view.entity] == entity and one.ingested <= t]
    return {feature.name: feature_at(feature, known, t) for feature in view.features}


def feature_at(feature: FeatureSpec, known: Iterable[Known], t: Micros) -> Any:
    """One feature at `t`, of rows of one entity that were known then."""
    if feature.kind == "latest":
        return _latest(feature, known, t)
    start = window_start(t, feature.window or 0)
    rows = [one.row for one in known if start <= one.at < t]
    if feature.kind == "share":
        return _share(feature, rows)
    if feature.kind == "count" and feature.column is None:
        return len(rows)
    values = [row[feature.column or ""] for row in rows if row[feature.column or ""] is not None]
    if feature.kind == "count":
        return len(values)
    return _of_values(feature.kind, values) if values else None


def window_start(t: Micros, window: Micros) -> Micros:
    """`floor(t - W, hop)`: hop 5 min up to 12 h, 1 h up to 12 days, 1 day beyond."""
    minutes = Fraction(window, _MINUTE)
    hop = _MINUTE * (5 if minutes <= 12 * 60 else 60 if minutes <= 12 * 24 * 60 else 24 * 60)
    return math.floor(Fraction(t - window, hop)) * hop


def _latest(feature: FeatureSpec, known: Iterable[Known], t: Micros) -> Any:
    """Sources have no event id: of rows that tie in both times a value wins over null, and the larger wins."""
    newest: Known | None = None
    column = feature.column or ""
    for one in known:
        if one.at <= t and t - one.at <= (feature.ttl or 0) and (newest is None or _newer(one, newest, column)):
            newest = one
    return newest.row[column] if newest else None


def _newer(one: Known, other: Known, column: str) -> bool:
    if (one.at, one.ingested) != (other.at, other.ingested):
        return (one.at, one.ingested) > (other.at, other.ingested)
    mine, theirs = one.row[column], other.row[column]
    return mine is not None and (theirs is None or mine > theirs)


def _share(feature: FeatureSpec, rows: Iterable[Mapping[str, Any]]) -> float | None:
    assert feature.predicate is not None
    compare, constant = _COMPARE[feature.predicate.op], feature.predicate.value
    judged = [
        compare(row[feature.predicate.column], constant) for row in rows if row[feature.predicate.column] is not None
    ]
    return judged.count(True) / len(judged) if judged else None


def _of_values(kind: str, values: list[Any]) -> Any:
    if kind == "min":
        return min(values)
    if kind == "max":
        return max(values)
    total = math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)
    return total if kind == "sum" else total / len(values)
