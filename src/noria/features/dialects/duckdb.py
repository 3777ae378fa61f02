"""DuckDB, in the process."""

from __future__ import annotations

from collections.abc import Sequence

from noria.core.schema import DType
from noria.features.dialects.base import Dialect


class DuckDb(Dialect):
    """Sums of whole numbers are 128 bits wide of themselves."""

    name = "duckdb"

    def micros(self, column: str, kind: str) -> str:
        if kind == "micros":
            return column
        if kind == "nanos":
            return f"({self.floored(f'epoch_ns({column})', 1000)} // 1000)"
        return f"epoch_us(CAST({column} AS TIMESTAMP))" if kind == "local" else f"epoch_us({column})"

    def finite(self, value: str) -> str:
        return f"isfinite({value})"

    def whole_total(self, value: str) -> str:
        return f"sum({value})"

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        return f"first({value} ORDER BY {self.sorting(order, newest=newest)}) FILTER (WHERE {condition})"

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int | None = None) -> str:
        values = f"list({value} ORDER BY {self.sorting(order, newest=newest)}) FILTER (WHERE {condition})"
        return values if most is None else f"({values})[1:{most}]"

    def doubles_to_add(self, value: str, condition: str) -> str:
        return f"list({value}) FILTER (WHERE {condition} AND {value} IS NOT NULL)"

    def added(self, doubles: str) -> str:
        pairs = f"list_transform({doubles}, lambda x: {{s: x, c: 0.0::DOUBLE}})"
        lost = "(a.s - ((a.s + b.s) - ((a.s + b.s) - a.s))) + (b.s - ((a.s + b.s) - a.s))"
        folded = f"list_reduce({pairs}, lambda a, b: {{s: a.s + b.s, c: a.c + {lost}}})"
        return f"({folded}).s + ({folded}).c"

    def doubles_to_vary(self, value: str, condition: str) -> str:
        return self.doubles_to_add(value, condition)

    def variance(self, doubles: str) -> str:
        """Of the differences to one of the values, as `aggregates/moments.py` explains."""
        moved = f"list_transform({doubles}, lambda x: x - ({doubles})[1])"
        return f"list_var_samp({moved})"

    def list_or_empty(self, values: str, dtype: DType) -> str:
        return f"CAST(coalesce({values}, []) AS {self.types[dtype]}[])"
