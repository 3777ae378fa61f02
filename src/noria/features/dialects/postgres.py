"""PostgreSQL, 14 and later.

Its names end at 63 bytes and are cut without a word, its text compares as the database's locale says, and a
double that overflows is an error that ends the statement: each has a way round here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from noria.core.schema import DType
from noria.features.dialects.base import Dialect

_SHRINK, _GROW = "5.421010862427522e-20::float8", "18446744073709551616::float8"
"""2^-64 and 2^64: exact to multiply by."""


class Postgres(Dialect):
    """Sums of whole numbers are `numeric`, which has no end."""

    name = "postgresql"
    longest = 63
    types: ClassVar[Mapping[DType, str]] = {
        "string": "text", "int": "bigint", "float": "double precision", "bool": "boolean", "time": "bigint"
    }  # fmt: skip

    def comparable(self, text: str) -> str:
        return f'{text} COLLATE "C"'

    def micros(self, column: str, kind: str) -> str:
        if kind == "micros":
            return column
        zoned = f"CAST({column} AS timestamp) AT TIME ZONE 'UTC'" if kind == "local" else column
        return f"CAST(extract(epoch FROM {zoned}) * 1000000 AS bigint)"

    def finite(self, value: str) -> str:
        return f"abs({value}) < 'Infinity'::float8"  # NaN is above it here

    def whole_total(self, value: str) -> str:
        return f"sum(CAST({value} AS bigint))"

    def double_total(self, value: str) -> str:
        """Numbers near the end of the range are summed apart, made smaller, so that nothing overflows."""
        small = f"sum({self.when(f'abs({value}) < 1e290', value)})"
        large = f"sum({self.when(f'abs({value}) >= 1e290', f'{value} * {_SHRINK}')})"
        both = f"({large} + CASE WHEN abs({small}) > 1 THEN {small} * {_SHRINK} ELSE 0 END)"
        grown = f"CASE WHEN abs({both}) < 2::float8 ^ 960 THEN {both} * {_GROW} END"
        return f"CASE WHEN coalesce({large}, 0) = 0 THEN {small} ELSE {grown} END"

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        return self._array(value, order, condition, newest=newest) + "[1]"

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int) -> str:
        return self._array(value, order, condition, newest=newest) + f"[1:{most}]"

    def _array(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        sorting = self.sorting(order, newest=newest)
        return f"(array_agg({value} ORDER BY {sorting}) FILTER (WHERE {condition}))"

    def md5_number(self, text: str, first: int, digits: int) -> str:
        bits = f"lpad(substr(md5(convert_to({text}, 'UTF8')), {first}, {digits}), 16, '0')"
        return f"CAST(CAST('x' || {bits} AS bit(64)) AS bigint)"
