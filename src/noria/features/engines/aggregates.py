"""Aggregates of a group of rows in SQL: the numbers a feature needs, and its value from them.

Which numbers a feature needs is `slots_of`, shared with the other plans; here is how SQL gets each from the
rows of a request that lie inside the feature's window, and how it lowers them.
"""

from __future__ import annotations

from collections.abc import Callable

from noria.core.schema import DType
from noria.features.dialects.base import Dialect
from noria.features.model import FeatureSpec, Predicate
from noria.features.slots import Slot, slots_of

Named = Callable[[str], str]


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
        return f"{dialect.comparable(column)} {op} {dialect.text(value)}"
    return f"{column} {op} {dialect.number(value)}"


class Lowering:
    """Turns features of one view into SQL. `columns` gives each source column's name in the group and its type."""

    def __init__(self, dialect: Dialect, columns: dict[str, tuple[str, DType]], partials: Partials) -> None:
        self._dialect, self._columns, self._partials = dialect, columns, partials

    def value(self, feature: FeatureSpec, inside: str) -> str:
        """The feature's value from partials; `inside` tells which rows of the group belong to it."""
        if feature.kind == "latest":
            return self._newest(feature, inside)
        first, *rest = (self._partials.named(self._slot(slot, inside)) for slot in slots_of(feature))
        if feature.kind in ("count", "min", "max"):
            return first
        some, dialect = f"{rest[0]} > 0", self._dialect
        if feature.kind == "sum" and feature.dtype == "int":
            return dialect.when(some, dialect.whole(first))
        double = dialect.cast(first, "float")
        value = double if feature.kind == "sum" else f"{double} / {rest[0]}"
        return f"CASE WHEN {some} THEN {dialect.when(dialect.finite(f'({value})'), value)} END"

    def _slot(self, slot: Slot, inside: str) -> str:
        dialect = self._dialect
        if slot.kind == "rows":
            return dialect.counted(inside)
        if slot.predicate is not None:
            name, _ = self._columns[slot.predicate.column]
            holds = condition(dialect, slot.predicate, name) if slot.kind == "true" else f"{name} IS NOT NULL"
            return dialect.counted(f"{inside} AND {holds}")
        name, dtype = self._columns[slot.column or ""]
        if slot.kind == "values":
            return dialect.counted(f"{inside} AND {name} IS NOT NULL")
        value = dialect.when(inside, name)
        if slot.kind == "sum":
            return dialect.double_total(value) if dtype == "float" else dialect.whole_total(value)
        return f"{slot.kind}({value})"

    def _newest(self, feature: FeatureSpec, inside: str) -> str:
        name, dtype = self._columns[feature.column or ""]
        value = self._dialect.comparable(name) if dtype == "string" else name
        order = ["noria_at", "noria_known", value]
        return self._partials.named(self._dialect.first_of(name, order, inside, newest=True))
