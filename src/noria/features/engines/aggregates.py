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
from noria.features.engines.model import Step
from noria.features.engines.sketches import distinct, middle, wanted
from noria.features.model import FeatureSpec, Predicate


class Partials:
    """Aggregate expressions of one GROUP BY, each computed once under a short name."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def named(self, expression: str) -> str:
        """The name under which the expression can be used one level up."""
        return self.names.setdefault(expression, f"s{len(self.names)}")


def condition(dialect: Dialect, predicate: Predicate, column: str, dtype: DType) -> str:
    """A comparison; null where its column is null. A truth value compares with numbers as 0 and 1."""
    value = predicate.value
    op = {"==": "=", "!=": "<>"}.get(predicate.op, predicate.op)
    if isinstance(value, str):
        return f"{column} {op} {dialect.text(value)}"
    if dtype == "bool":
        column = f"CASE WHEN {column} THEN 1 WHEN NOT {column} THEN 0 END"
    return f"{column} {op} {dialect.number(value)}"


class Lowering:
    """Turns features of one view into SQL.

    `names` gives each column's name in the group, `types` its type, `order` what makes an event newer; `pairs`
    is the step that is grouped by `group`.
    """

    def __init__(
        self,
        dialect: Dialect,
        names: Mapping[str, str],
        types: Mapping[str, DType],
        order: Sequence[str],
        pairs: str,
        group: str,
    ) -> None:
        self._dialect, self._names, self._types, self._order = dialect, names, types, order
        self._pairs, self._group = pairs, group
        self.partials = Partials()
        self.beside: dict[str, Step] = {}
        """Steps with a row a group that some values are read from, by what they are of."""

    def value(self, feature: FeatureSpec, inside: str, tag: str) -> str:
        """The feature's value from partials; `inside` tells which rows of the group belong to it."""
        if feature.kind == "distinct":
            return self._distinct(self._names[feature.column or ""], inside, tag)
        if feature.kind == "quantile":
            return self._quantile(self._names[feature.column or ""], feature.quantile, inside)
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
            dtype = self._types[slot.predicate.column]
            holds = f"{name} IS NOT NULL" if slot.kind == "judged" else condition(dialect, slot.predicate, name, dtype)
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

    def _distinct(self, column: str, inside: str, tag: str) -> str:
        name = f"distinct_{tag}_{len(self.beside)}"
        made = self.beside.setdefault(
            f"{column} {inside}", distinct(self._dialect, name, column, inside, self._pairs, self._group)
        )
        return f"{made[0]}.value"

    def _quantile(self, column: str, q: float | None, inside: str) -> str:
        dialect, bucket = self._dialect, f"b{column[1:]}"
        there = f"{inside} AND {bucket} IS NOT NULL"
        buckets = self.partials.named(dialect.listed(bucket, [bucket], there, newest=False))
        count = self.partials.named(dialect.counted(there))
        found = dialect.element(buckets, wanted(dialect, 0.5 if q is None else q, count))
        return dialect.when(f"{count} > 0", middle(dialect, found))
