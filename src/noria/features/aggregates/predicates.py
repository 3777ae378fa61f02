"""Comparisons with a constant, as functions of a row. Null compares with nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from noria.features.model import Predicate

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne
}  # fmt: skip

Row = Mapping[str, Any]


def judge(predicate: Predicate) -> Callable[[Row], bool]:
    """Whether a predicate is true of a row; of null it is not."""
    column, value, compare = predicate.column, predicate.value, COMPARE[predicate.op]
    return lambda row: row[column] is not None and compare(row[column], value)


def all_hold(predicates: tuple[Predicate, ...]) -> Callable[[Row], bool] | None:
    """Whether every predicate is true of a row; None when there is nothing to ask."""
    judges = [judge(predicate) for predicate in predicates]
    if not judges:
        return None
    if len(judges) == 1:
        return judges[0]
    return lambda row: all(holds(row) for holds in judges)
