"""Snowflake: written from its reference manual and never run. The tests only see that the text is well-formed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from noria.core.schema import DType
from noria.features.dialects.base import Dialect


class Snowflake(Dialect):
    """Untested. Whole numbers are decimals of 38 digits there, so a sum of 64-bit ones is exact."""

    name = "snowflake"
    checked = False
    types: ClassVar[Mapping[DType, str]] = {
        "string": "VARCHAR",
        "int": "NUMBER(19, 0)",
        "float": "DOUBLE",
        "bool": "BOOLEAN",
        "time": "NUMBER(19, 0)",
    }

    def text(self, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"

    def micros(self, column: str, kind: str) -> str:
        if kind == "micros":
            return column
        zoned = f"CAST({column} AS TIMESTAMP_NTZ)" if kind == "local" else f"CONVERT_TIMEZONE('UTC', {column})"
        return f"DATE_PART(EPOCH_MICROSECOND, {zoned})"

    def finite(self, value: str) -> str:
        return f"{value} NOT IN ('NaN'::DOUBLE, 'inf'::DOUBLE, '-inf'::DOUBLE)"

    def whole_total(self, value: str) -> str:
        return f"SUM(CAST({value} AS NUMBER(38, 0)))"

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        kept = f"OBJECT_CONSTRUCT_KEEP_NULL('v', {value})"
        return f"GET({self._array(kept, order, condition, newest=newest)}, 0):v"

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int | None = None) -> str:
        values = self._array(value, order, condition, newest=newest)
        return values if most is None else f"ARRAY_SLICE({values}, 0, {most})"

    def element(self, values: str, place: str) -> str:
        return f"GET({values}, {place} - 1)"

    def _array(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        return f"ARRAY_AGG({self.when(condition, value)}) WITHIN GROUP (ORDER BY {self.sorting(order, newest=newest)})"

    def list_or_empty(self, values: str, dtype: DType) -> str:
        return f"CAST(coalesce({values}, ARRAY_CONSTRUCT()) AS ARRAY({self.types[dtype]}))"
