"""Aggregates as partial results that merge: init, lift a row, merge two, lower to a value.

Nothing is ever subtracted, so a window's value does not depend on how it was cut into pieces. A partial is a
list of numbers, one or two a slot; features that need the same numbers share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


def empty(slots: tuple[Slot, ...]) -> list[Any]:
    """The partial of no rows."""
    return [None if slot.kind in ("min", "max") else 0 for slot in slots]


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


def lowerer(feature: FeatureSpec, slots: tuple[Slot, ...]) -> Callable[[list[Any]], Any]:
    """The function that turns a merged partial into the feature's value; null, or 0 for a count, without rows."""
    places = [slots.index(slot) for slot in slots_of(feature)]
    first = places[0]
    if feature.kind in ("count", "min", "max"):
        return lambda partial: partial[first]
    second = places[1]
    if feature.kind == "sum":
        return lambda partial: partial[first] if partial[second] else None
    return lambda partial: partial[first] / partial[second] if partial[second] else None


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
