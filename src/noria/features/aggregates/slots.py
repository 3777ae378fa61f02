"""The slots of a view: which partials its features are lowered from, each kept once, in a fixed order.

A row is lifted to a list of partials, one a slot; two lists are merged slot by slot; a feature is lowered from
the slots it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from noria.core.schema import DType
from noria.features.aggregates.counts import Counts
from noria.features.aggregates.distinct import Distinct
from noria.features.aggregates.ends import Ends, Newest
from noria.features.aggregates.extremes import Extremes
from noria.features.aggregates.lowering import lowering
from noria.features.aggregates.moments import Moments
from noria.features.aggregates.partial import Partial, Slot, Told
from noria.features.aggregates.predicates import all_hold
from noria.features.aggregates.quantiles import Quantiles
from noria.features.aggregates.sums import DoubleSums, WholeSums
from noria.features.model import FeatureSpec, ViewSpec

_KINDS: dict[str, Callable[[Slot], Partial]] = {
    "rows": Counts, "values": Counts, "true": Counts, "judged": Counts, "min": Extremes, "max": Extremes,
    "moments": Moments, "first": Ends, "last": Ends, "newest": Newest, "registers": Distinct, "buckets": Quantiles,
}  # fmt: skip
_ONE_SLOT = {
    "min": "min", "max": "max", "var": "moments", "std": "moments", "first": "first", "last": "last",
    "last_n": "newest", "distinct": "registers", "quantile": "buckets",
}  # fmt: skip


def column_types(view: ViewSpec) -> dict[str, DType]:
    """The type of every column that a row of the view has, joined ones included."""
    types = {column.name: column.dtype for column in view.columns}
    for join in view.joins:
        types |= {join.name(column.name): column.dtype for column in join.columns}
    return types


def slots_of(feature: FeatureSpec, types: Mapping[str, DType]) -> tuple[Slot, ...]:
    """The partials that an aggregate is lowered from; `types` are those of the view's columns."""
    column, where = feature.column, feature.where
    dtype = types.get(column or "", feature.dtype)
    values = Slot("values" if column else "rows", column, where=where)
    if feature.kind == "count":
        return (values,)
    if feature.kind == "share":
        shared = {"predicate": feature.predicate, "where": where}
        return Slot("true", **shared), Slot("judged", **shared)  # type: ignore[arg-type]
    if feature.kind in ("sum", "mean"):
        return Slot("sum", column, dtype, where=where), values
    return (Slot(_ONE_SLOT[feature.kind], column, dtype, where=where, n=feature.n or 1),)  # type: ignore[arg-type]


def layout(view: ViewSpec) -> tuple[Slot, ...]:
    """Every slot that the aggregates of a view need, each once, in a fixed order."""
    types = column_types(view)
    needed: dict[Slot, None] = {}
    for feature in view.features:
        if feature.windowed:
            needed.update(dict.fromkeys(slots_of(feature, types)))
    return tuple(needed)


def partial_of(slot: Slot) -> Partial:
    """How the partials of a slot work."""
    if slot.kind == "sum":
        return DoubleSums(slot) if slot.dtype == "float" else WholeSums(slot)
    return _KINDS[slot.kind](slot)


def lifter(slots: Sequence[Slot]) -> Callable[[Told], list[Any]]:
    """The function that turns a row into partials, one a slot; empty where the slot's `where` does not hold."""
    lifts = [_guarded(slot) for slot in slots]
    return lambda told: [lift(told) for lift in lifts]


def merger(slots: Sequence[Slot]) -> Callable[[list[Any], list[Any]], None]:
    """The function that merges a second list of partials into a first one, in place."""
    merges = [(number, partial_of(slot).merge) for number, slot in enumerate(slots)]

    def merge(into: list[Any], other: list[Any]) -> None:
        for number, each in merges:
            into[number] = each(into[number], other[number])

    return merge


def lowerer(
    feature: FeatureSpec, slots: Sequence[Slot], types: Mapping[str, DType]
) -> Callable[[Sequence[Sequence[Any]]], Any]:
    """The function that takes, for each slot, the partials of all pieces, and gives the feature's value.

    There may be no piece at all: then each sequence is empty, and the value is the default. What no column of
    the feature's type can hold, a sum beyond 64 bits or beyond the largest double, is null.
    """
    places = [list(slots).index(slot) for slot in slots_of(feature, types)]
    lower = lowering(feature, types.get(feature.column or "", feature.dtype))
    if len(places) == 1:
        (only,) = places
        return lambda pieces: lower(pieces[only])
    first, second = places
    return lambda pieces: lower(pieces[first], pieces[second])


def _guarded(slot: Slot) -> Callable[[Told], Any]:
    partial, holds = partial_of(slot), all_hold(slot.where)
    if holds is None:
        return partial.lift
    lift, empty = partial.lift, partial.empty
    return lambda told: lift(told) if holds(told.row) else empty()
