"""Aggregates of a group of rows in SQL: the numbers a feature needs, and its value from them.

Which partials a feature needs is `slots_of`, shared with the other plans and the online store; here is how SQL
gets each from the rows of a request that lie inside the feature's window, and how it lowers them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from noria.core.schema import DType
from noria.features.aggregates.partial import Slot
from noria.features.aggregates.slots import slots_of
from noria.features.dialects.base import Dialect
from noria.features.engines.sketches import Sketch, Sketches
from noria.features.model import FeatureSpec, Predicate


class Partials:
    """Aggregate expressions of one GROUP BY, each computed once under a short name."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def named(self, expression: str) -> str:
        """The name under which the expression can be used one level up."""
        return self.names.setdefault(expression, f"s{len(self.names)}")


def condition(dialect: Dialect, predicate: Predicate, column: str) -> str:
    """A comparison; null where its column is null."""
    value = predicate.value
    op = {"==": "=", "!=": "<>"}.get(predicate.op, predicate.op)
    if isinstance(value, bool):
        return f"{column} {op} {dialect.truth(value)}"
    if isinstance(value, str):
        return f"{column} {op} {dialect.text(value)}"
    return f"{column} {op} {dialect.number(value)}"


class Lowering:
    """Turns features of one view into SQL.

    `names` gives each column's name in the group, `types` its type, `order` what makes an event newer.
    """

    def __init__(
        self,
        dialect: Dialect,
        names: Mapping[str, str],
        types: Mapping[str, DType],
        order: Sequence[str],
        sketches: Sketches,
    ) -> None:
        self._dialect, self._names, self._types, self._order = dialect, names, types, order
        self._sketches = sketches
        self.partials = Partials()
        self.sketches: dict[str, Sketch] = {}
        """By what they are of."""

    def value(self, feature: FeatureSpec, inside: str, tag: str) -> str:
        """The feature's value from partials; `inside` tells which rows of the group belong to it."""
        if feature.kind in ("distinct", "quantile"):
            return self._sketched(feature, inside, tag)
        if feature.kind == "latest":
            return self._end(feature.column or "", inside, newest=True)
        slots = slots_of(feature, self._types)
        names = [self.partials.named(self._partial(slot, inside)) for slot in slots]
        return self._lowered(feature, slots[0], names)

    def _lowered(self, feature: FeatureSpec, slot: Slot, names: list[str]) -> str:
        dialect = self._dialect
        if feature.kind in ("var", "std"):
            spread = dialect.variance(names[0])
            found = dialect.when(dialect.finite(f"({spread})"), spread)
            return found if feature.kind == "var" else f"sqrt({found})"
        if len(names) == 1:
            return names[0]
        some = f"{names[1]} > 0"
        if feature.kind == "sum" and slot.dtype != "float":
            return dialect.when(some, dialect.whole(names[0]))
        added = slot.kind == "sum" and slot.dtype == "float"
        double = dialect.added(names[0]) if added else dialect.cast(names[0], "float")
        value = f"({double})" if feature.kind == "sum" else f"(({double}) / {names[1]})"
        return f"CASE WHEN {some} THEN {dialect.when(dialect.finite(value), value)} END"

    def _partial(self, slot: Slot, inside: str) -> str:
        dialect = self._dialect
        if slot.kind == "rows":
            return dialect.counted(inside)
        if slot.predicate is not None:
            name = self._names[slot.predicate.column]
            holds = condition(dialect, slot.predicate, name) if slot.kind == "true" else f"{name} IS NOT NULL"
            return dialect.counted(f"{inside} AND {holds}")
        name = self._names[slot.column or ""]
        there = f"{inside} AND {name} IS NOT NULL"
        if slot.kind == "values":
            return dialect.counted(there)
        if slot.kind == "sum" and slot.dtype == "float":
            return dialect.doubles_to_add(name, there)
        if slot.kind == "sum":
            return dialect.whole_total(dialect.when(inside, name))
        if slot.kind == "moments":
            return dialect.doubles_to_vary(dialect.cast(name, "float"), there)
        if slot.kind == "newest":
            return dialect.listed(name, self._by(slot.column or ""), there, newest=True, most=slot.n)
        if slot.kind in ("first", "last"):
            return dialect.first_of(name, self._by(slot.column or ""), there, newest=slot.kind == "last")
        return f"{slot.kind}({dialect.when(inside, name)})"

    def _end(self, column: str, inside: str, *, newest: bool) -> str:
        expression = self._dialect.first_of(self._names[column], self._by(column), inside, newest=newest)
        return self.partials.named(expression)

    def _by(self, column: str) -> list[str]:
        return [*self._order, self._names[column]]

    def _sketched(self, feature: FeatureSpec, inside: str, tag: str) -> str:
        column, q = self._names[feature.column or ""], feature.quantile
        what = f"{feature.kind} {column} {inside} {q}"
        if what not in self.sketches:
            name = f"{feature.kind}_{tag}_{len(self.sketches)}"
            dtype = self._types[feature.column or ""]
            self.sketches[what] = (
                self._sketches.distinct(name, column, dtype, inside)
                if feature.kind == "distinct"
                else self._sketches.quantile(name, column, 0.5 if q is None else q, inside)
            )
        return f"{self.sketches[what].name}.value"
