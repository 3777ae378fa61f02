"""Spark SQL, 4.x.

A backslash escapes in its text, names are quoted with backticks and compare without their case unless it is
told otherwise (`engines/spark.py` does), and an aggregate has no ORDER BY: rows are compared as structures,
in which null is the smallest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from noria.core.schema import DType
from noria.features.dialects.base import Dialect


class Spark(Dialect):
    """Sums of whole numbers are decimals of 38 digits."""

    name = "spark"
    quote = "`"
    types: ClassVar[Mapping[DType, str]] = {
        "string": "STRING",
        "int": "BIGINT",
        "float": "DOUBLE",
        "bool": "BOOLEAN",
        "time": "BIGINT",
    }

    def text(self, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"

    def micros(self, column: str, kind: str) -> str:
        if kind == "micros":
            return column
        if kind == "local":
            epoch = "TIMESTAMP_NTZ'1970-01-01 00:00:00'"
            return f"timestampdiff(MICROSECOND, {epoch}, CAST({column} AS TIMESTAMP_NTZ))"
        return f"unix_micros({column})"

    def finite(self, value: str) -> str:
        return f"abs({value}) < CAST('Infinity' AS DOUBLE)"  # NaN is above it here

    def whole_total(self, value: str) -> str:
        return f"sum(CAST({value} AS DECIMAL(20, 0)))"

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        best = "max" if newest else "min"
        return f"{best}({self.when(condition, self._row(value, order))}).v"

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int | None = None) -> str:
        if order == [value] and not newest and most is None:
            return f"sort_array(collect_list({self.when(condition, value)}))"
        rows = f"sort_array(collect_list({self.when(condition, self._row(value, order))}), {str(not newest).lower()})"
        values = f"transform({rows if most is None else f'slice({rows}, 1, {most})'}, row -> row.v)"
        return self.when(f"{self.counted(condition)} > 0", values)

    def element(self, values: str, place: str) -> str:
        return f"{values}[CAST({place} AS INT) - 1]"

    def _row(self, value: str, order: Sequence[str]) -> str:
        keys = "".join(f"'k{place}', {one}, " for place, one in enumerate(order))
        return f"named_struct({keys}'v', {value})"

    def md5(self, text: str) -> str:
        return f"md5(CAST({text} AS BINARY))"

    def without_leading_zeros(self, text: str) -> str:
        return f"trim(LEADING '0' FROM {text})"

    def doubles_to_add(self, value: str, condition: str) -> str:
        return f"collect_list({self.when(condition, value)})"

    def added(self, doubles: str) -> str:
        lost = "(a.s - ((a.s + x) - ((a.s + x) - a.s))) + (x - ((a.s + x) - a.s))"
        step = f"(a, x) -> named_struct('s', a.s + x, 'c', a.c + {lost})"
        return f"aggregate({doubles}, named_struct('s', 0D, 'c', 0D), {step}, a -> a.s + a.c)"

    def doubles_to_vary(self, value: str, condition: str) -> str:
        return self.doubles_to_add(value, condition)

    def variance(self, doubles: str) -> str:
        """Of the differences to one of the values, as `aggregates/moments.py` explains."""
        moved = f"transform({doubles}, x -> x - {doubles}[0])"
        step = "(a, d) -> named_struct('s', a.s + d, 'q', a.q + d * d)"
        n = f"size({doubles})"
        value = f"a -> greatest(0D, a.q - a.s * a.s / {n}) / ({n} - 1)"
        total = f"aggregate({moved}, named_struct('s', 0D, 'q', 0D), {step}, {value})"
        return self.when(f"{n} > 1", total)

    def list_or_empty(self, values: str, dtype: DType) -> str:
        return f"CAST(coalesce({values}, array()) AS ARRAY<{self.types[dtype]}>)"
