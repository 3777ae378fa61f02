"""DuckDB, in the process."""

from __future__ import annotations

from collections.abc import Sequence

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

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int) -> str:
        return f"(list({value} ORDER BY {self.sorting(order, newest=newest)}) FILTER (WHERE {condition}))[1:{most}]"

    def md5_number(self, text: str, first: int, digits: int) -> str:
        return f"CAST('0x' || substr(md5({text}), {first}, {digits}) AS BIGINT)"
