"""Aggregates as partial results that merge: init, lift a row, merge two, lower to a value.

Nothing is ever subtracted, so a window's value does not depend on how it was cut into pieces. A partial is a
list of numbers, one or two a slot; features that need the same numbers share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from noria.features.model import FeatureSpec, Predicate, ViewSpec

Kind = Literal["rows", "values", "sum", "true", "judged", "min", "max"]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """One number of a partial: how many rows, how many non-null values, their sum, and so on."""

    kind: Kind
    column: str | None = None
    predicate: Predicate | None = None


def slots_of(feature: FeatureSpec) -> tuple[Slot, ...]:
    """The numbers that a feature is lowered from."""
    column, predicate = feature.column, feature.predicate
    if feature.kind == "count":
        return (Slot("values", column) if column else Slot("rows"),)
    if feature.kind == "share":
        return Slot("true", predicate=predicate), Slot("judged", predicate=predicate)
    if feature.kind == "mean":
        return Slot("sum", column), Slot("values", column)
    if feature.kind == "sum":
        return Slot("sum", column), Slot("values", column)
    if feature.kind == "min":
        return (Slot("min", column),)
    return (Slot("max", column),)


def layout(view: ViewSpec) -> tuple[Slot, ...]:
    """Every slot that the window features of a view need, each once, in a fixed order."""
    needed: dict[Slot, None] = {}
    for feature in view.features:
        if feature.window is not None:
            needed.update(dict.fromkeys(slots_of(feature)))
    return tuple(needed)


def lifter(slots: tuple[Slot, ...]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """The function that turns one row into a partial."""
    lifts = [_lift(slot) for slot in slots]
    return lambda row: [lift(row) for lift in lifts]


def merger(slots: tuple[Slot, ...]) -> Callable[[list[Any], list[Any]], None]:
    """The function that merges a second partial into a first one, in place."""
    added = [number for number, slot in enumerate(slots) if slot.kind not in ("min", "max")]
    lows = [number for number, slot in enumerate(slots) if slot.kind == "min"]
    highs = [number for number, slot in enumerate(slots) if slot.kind == "max"]

    def merge(into: list[Any], other: list[Any]) -> None:
        for number in added:
            into[number] += other[number]
        for number in lows:
            into[number] = _lower(into[number], other[number])
        for number in highs:
            into[number] = _higher(into[number], other[number])

    return merge


def lowerer(feature: FeatureSpec, slots: tuple[Slot, ...]) -> Callable[[Sequence[Sequence[Any]]], Any]:
    """The function that merges the slots of several partials and lowers them to the feature's value.

    It takes, for each slot, the numbers of all partials (at least one). What no column of the feature's type can
    hold, a sum beyond 64 bits or beyond the largest double, is null.
    """
    first, *rest = (slots.index(slot) for slot in slots_of(feature))
    if feature.kind == "count":
        return lambda columns: sum(columns[first])
    if feature.kind in ("min", "max"):
        best = min if feature.kind == "min" else max
        return lambda columns: best((value for value in columns[first] if value is not None), default=None)
    (second,) = rest
    if feature.kind == "sum":
        fit = _fitting if feature.dtype == "int" else _finite
        return lambda columns: fit(sum(columns[first])) if any(columns[second]) else None

    def ratio(columns: Sequence[Sequence[Any]]) -> float | None:
        count = sum(columns[second])
        return _finite(sum(columns[first]) / count) if count else None

    return ratio


def _fitting(total: int) -> int | None:
    return total if -(2**63) <= total < 2**63 else None


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _lift(slot: Slot) -> Callable[[Mapping[str, Any]], Any]:
    if slot.kind == "rows":
        return lambda _: 1
    if slot.predicate is not None:
        return _judge(slot.predicate, counts_all=slot.kind == "judged")
    column = slot.column or ""
    if slot.kind == "values":
        return lambda row: 0 if row[column] is None else 1
    if slot.kind == "sum":
        return lambda row: row[column] or 0
    return lambda row: row[column]


def _judge(predicate: Predicate, *, counts_all: bool) -> Callable[[Mapping[str, Any]], int]:
    column, value, compare = predicate.column, predicate.value, _COMPARE[predicate.op]
    if counts_all:
        return lambda row: 0 if row[column] is None else 1
    return lambda row: 1 if row[column] is not None and compare(row[column], value) else 0


def _lower(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else min(one, other)


def _higher(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else max(one, other)
