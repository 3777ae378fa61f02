"""PostgreSQL, 14 and later.

Its names end at 63 bytes and are cut without a word, its text compares as the database's locale says, and a
double that overflows is an error that ends the statement: each has a way round here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from noria.core.schema import DType
from noria.features.dialects.base import Dialect

_BELOW, _BEYOND = "5e-324", "1.7976931348623157e308"
"""The smallest and the largest double; decimals go further both ways."""
_STEP = 52
"""Bits that are taken from a fraction at a time."""


class Postgres(Dialect):
    """Sums are `numeric`, which has no end."""

    name = "postgresql"
    longest = 63
    types: ClassVar[Mapping[DType, str]] = {
        "string": "text", "int": "bigint", "float": "double precision", "bool": "boolean", "time": "bigint"
    }  # fmt: skip

    def comparable(self, text: str) -> str:
        return f'{text} COLLATE "C"'

    def usual(self, text: str) -> str:
        return f'{text} COLLATE "default"'

    def micros(self, column: str, kind: str) -> str:
        if kind == "micros":
            return column
        zoned = f"CAST({column} AS timestamp) AT TIME ZONE 'UTC'" if kind == "local" else column
        return f"CAST(extract(epoch FROM {zoned}) * 1000000 AS bigint)"

    def finite(self, value: str) -> str:
        return f"abs({value}) < 'Infinity'::float8"  # NaN is above it here

    def whole_total(self, value: str) -> str:
        return f"sum(CAST({value} AS bigint))"

    def doubles_to_add(self, value: str, condition: str) -> str:
        return f"sum({self.when(condition, _exact(value))})"

    def added(self, doubles: str) -> str:
        tiny = f"WHEN abs({doubles}) < {_BELOW} THEN 0"  # a cast would be an error at either end
        return f"CASE {tiny} WHEN abs({doubles}) <= {_BEYOND} THEN {self.cast(doubles, 'float')} END"

    def doubles_to_vary(self, value: str, condition: str) -> str:
        return f"var_samp({self.when(condition, _exact(value))})"

    def variance(self, doubles: str) -> str:
        return self.added(doubles)

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        return self._array(value, order, condition, newest=newest) + "[1]"

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int | None = None) -> str:
        return self._array(value, order, condition, newest=newest) + ("" if most is None else f"[1:{most}]")

    def _array(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        sorting = self.sorting(order, newest=newest)
        return f"(array_agg({value} ORDER BY {sorting}) FILTER (WHERE {condition}))"

    def md5(self, text: str) -> str:
        return f"md5(convert_to({text}, 'UTF8'))"

    def list_or_empty(self, values: str, dtype: DType) -> str:
        return f"CAST(coalesce({values}, '{{}}') AS {self.types[dtype]}[])"


def _exact(value: str) -> str:
    """A double as a decimal: its whole part, 104 bits of its fraction, and what is left of that to 17 digits.

    A cast would keep fifteen digits, and the shortest text of a double is another number than the double. From
    2^63 on it is that text all the same.
    """
    first = f"(({value} - trunc({value})) * {2**_STEP}::float8)"
    second = f"(({first} - trunc({first})) * {2**_STEP}::float8)"
    parts = [
        f"CAST(CAST(trunc({value}) AS bigint) AS numeric)",
        f"CAST(CAST(trunc({first}) AS bigint) AS numeric) * {_power(-_STEP)}",
        f"CAST(CAST(trunc({second}) AS bigint) AS numeric) * {_power(-2 * _STEP)}",
        f"CAST(CAST({second} - trunc({second}) AS text) AS numeric) * {_power(-2 * _STEP)}",
    ]
    text = f"CAST(CAST({value} AS text) AS numeric)"
    return f"CASE WHEN abs({value}) < {2**63}::float8 THEN {' + '.join(parts)} ELSE {text} END"


def _power(exponent: int) -> str:
    """A power of two below 1, exactly, in decimal digits."""
    return f"{5**-exponent}e{exponent}"
