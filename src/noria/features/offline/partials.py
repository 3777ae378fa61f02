"""The partials of `aggregates`, as DuckDB computes them: lifted from rows, merged, lowered to values.

A sum of doubles is two sums: of the high part of each value, a multiple of a quantum so large that the high
parts of all rows add up exactly, and of what is left (Rump, Ogita, Oishi 2008, "extraction"). Merging is then
plain addition, and small sums of large numbers come out right. A quantum is fixed for a column by its largest
value and the number of rows: what lies 2^-32 below the largest (for a million rows) is added as doubles are.
First and last values are the smallest and largest entries (structures); of variance a list of [n, pivot,
first, second] is kept, whose members are moved to one pivot at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noria.core.schema import DType
from noria.features.aggregates.partial import Slot
from noria.features.aggregates.slots import slots_of
from noria.features.model import FeatureSpec, Predicate
from noria.features.sql import condition, quoted


@dataclass(frozen=True)
class Rows:
    """What is known of the rows that partials are lifted from: types, the quantum's shift by column, the key."""

    types: Mapping[str, DType]
    shifts: Mapping[str, float]
    keyed: bool
    key_default: str = "0"

    def entry(self, column: str) -> str:
        """A row's value with what it is ordered by."""
        key = f"h := noria_key IS NOT NULL, i := coalesce(noria_key, {self.key_default}), " if self.keyed else ""
        return f"struct_pack(a := noria_at, k := noria_known, {key}v := {quoted(column)})"


def shift_of(largest: float, rows: int) -> float:
    """What is added and taken away again to get the high part of doubles up to `largest`, for this many rows."""
    if not largest or not math.isfinite(largest):
        return 0.0
    quantum = math.frexp(largest)[1] + rows.bit_length() - 52
    return 1.5 * 2.0 ** (quantum + 52) if quantum < 960 else 0.0


def holding(predicates: Sequence[Predicate], inside: str = "") -> list[str]:
    """The conditions under which a row takes part."""
    return [*(condition(predicate) for predicate in predicates), *([inside] if inside else [])]


def lifted(slot: Slot, name: str, rows: Rows, *, inside: str = "", over: str = "") -> list[str]:
    """The columns of a slot's partial over rows; only those `inside`; with `over`, of a window's frame."""
    held = holding(slot.where, inside)

    def total(call: str, *also: str) -> str:
        wanted = [*held, *also]
        kept = f" FILTER (WHERE {' AND '.join(f'({one})' for one in wanted)})" if wanted else ""
        return f"{call}{kept}{over}"

    value = quoted(slot.column or "")
    if slot.kind == "sum" and slot.dtype == "float":
        shift = f"CAST('{rows.shifts.get(slot.column or '', 0.0)!r}' AS DOUBLE)"
        high = f"(({value} + {shift}) - {shift})"
        low = total(f"sum({value} - {high})")
        return [f"coalesce({total(f'sum({high})')}, 0) AS {name}", f"coalesce({low}, 0) AS {name}l"]
    if slot.kind in ("first", "last", "newest"):
        best = "min" if slot.kind == "first" else "max"
        many = f", {slot.n}" if slot.kind == "newest" else ""
        entry = rows.entry(slot.column or "")
        return [f"{total(f'{best}({entry}{many})', f'{value} IS NOT NULL')} AS {name}"]
    if slot.kind == "moments":
        return [f"{_moments(total(f'list({value}::DOUBLE)', f'{value} IS NOT NULL'))} AS {name}"]
    calls = {
        "rows": "count(*)", "values": f"count({value})", "sum": f"sum({value})", "min": f"min({value})",
        "max": f"max({value})",
    }  # fmt: skip
    if slot.kind == "sum":
        return [f"coalesce({total(calls['sum'])}, 0)::HUGEINT AS {name}"]
    if slot.predicate is not None:
        judged = f"{quoted(slot.predicate.column)} IS NOT NULL" if slot.kind == "judged" else condition(slot.predicate)
        return [f"{total('count(*)', judged)} AS {name}"]
    return [f"{total(calls[slot.kind])} AS {name}"]


def merged(slot: Slot, name: str) -> list[str]:
    """The columns of a slot's partial over partials."""
    if slot.kind == "sum" and slot.dtype == "float":
        return [f"sum({name}) AS {name}", f"sum({name}l) AS {name}l"]
    if slot.kind in ("first", "last", "min", "max"):
        return [f"{'min' if slot.kind in ('first', 'min') else 'max'}({name}) AS {name}"]
    if slot.kind == "newest":
        return [f"list_reverse_sort(flatten(list({name}) FILTER (WHERE {name} IS NOT NULL)))[:{slot.n}] AS {name}"]
    if slot.kind == "moments":
        return [f"flatten(list({name}) FILTER (WHERE {name} IS NOT NULL)) AS {name}"]
    return [f"sum({name}) AS {name}"]


def columns_of(slot: Slot, name: str) -> list[str]:
    """The columns that a slot's partial takes."""
    return [name, f"{name}l"] if slot.kind == "sum" and slot.dtype == "float" else [name]


def lowered(feature: FeatureSpec, names: Mapping[Slot, str], types: Mapping[str, DType]) -> str:
    """A feature's value from merged partials; what no column of its type can hold is null."""
    slots = slots_of(feature, types)
    first = names[slots[0]]
    if feature.kind in ("min", "max"):
        return first
    if feature.kind == "count":
        return f"coalesce({first}, 0)"
    if feature.kind in ("first", "last"):
        return f"{first}.v"
    if feature.kind == "last_n":
        return f"coalesce(list_transform({first}, lambda one: one.v), [])"
    if feature.kind in ("var", "std"):
        return _variance(first, root=feature.kind == "std")
    count = names[slots[1]]
    if feature.kind == "sum" and slots[0].dtype != "float":
        return f"CASE WHEN {count} > 0 THEN TRY_CAST({first} AS BIGINT) END"
    total = f"({first} + {first}l)" if slots[0].dtype == "float" and slots[0].kind == "sum" else f"{first}::DOUBLE"
    value = total if feature.kind == "sum" else f"({total} / {count})"
    return f"CASE WHEN {count} > 0 AND isfinite({value}) THEN {value} END"


def _moments(values: str) -> str:
    moved = "lambda x: x - noria_l[1]"
    squared = "lambda x: (x - noria_l[1]) * (x - noria_l[1])"
    made = (
        f"[struct_pack(n := len(noria_l)::DOUBLE, p := noria_l[1], s := list_sum(list_transform(noria_l, {moved})), "
        f"q := list_sum(list_transform(noria_l, {squared})))]"
    )
    # a list that is computed once and named: the only member of a list that is transformed
    return f"(list_transform([{values}], lambda noria_l: CASE WHEN len(noria_l) > 0 THEN {made} END))[1]"


def _variance(name: str, *, root: bool) -> str:
    def over(expression: str) -> str:
        return f"list_sum(list_transform({name}, lambda m: {expression}))"

    move = f"(m.p - {name}[1].p)"
    count = over("m.n")
    first = over(f"m.s + m.n * {move}")
    second = over(f"m.q + 2 * {move} * m.s + m.n * {move} * {move}")
    value = f"(({second} - {first} * {first} / {count}) / ({count} - 1))"
    shown = f"sqrt(greatest({value}, 0))" if root else f"greatest({value}, 0)"
    return f"CASE WHEN {count} > 1 AND isfinite({value}) THEN {shown} END"
