"""BigQuery: written from its reference manual and never run. The tests only see that the text is well-formed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from noria.core.schema import DType
from noria.features.dialects.base import Dialect


class BigQuery(Dialect):
    """Untested. Column names have no dot here, so `View.feature` is written `View__feature`."""

    name = "bigquery"
    checked = False
    quote = "`"
    types: ClassVar[Mapping[DType, str]] = {
        "string": "STRING",
        "int": "INT64",
        "float": "FLOAT64",
        "bool": "BOOL",
        "time": "INT64",
    }

    def named(self, name: str) -> str:
        return super().named(name.replace(".", "__"))

    def quoted(self, name: str) -> str:
        escaped = self.named(name).replace("\\", "\\\\").replace("`", "\\`")
        return f"`{escaped}`"

    def text(self, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        return f"'{escaped}'"

    def micros(self, column: str, kind: str) -> str:
        if kind == "micros":
            return column
        return f"UNIX_MICROS(TIMESTAMP({column}))" if kind == "local" else f"UNIX_MICROS({column})"

    def finite(self, value: str) -> str:
        return f"NOT (IS_INF({value}) OR IS_NAN({value}))"

    def whole_total(self, value: str) -> str:
        return f"SUM(CAST({value} AS BIGNUMERIC))"

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        return f"{self._array(value, order, condition, newest, 1)}[SAFE_OFFSET(0)].v"

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int | None = None) -> str:
        return self._array(value, order, condition, newest, most, whole="{}")

    def element(self, values: str, place: str) -> str:
        return f"{values}[SAFE_ORDINAL({place})]"

    def _array(
        self,
        value: str,
        order: Sequence[str],
        condition: str,
        newest: bool,
        most: int | None,
        whole: str = "STRUCT({} AS v)",
    ) -> str:
        kept = self.when(condition, whole.format(value))
        direction = "DESC" if newest else "ASC"  # null is the smallest of itself
        sorting = ", ".join(f"{one} {direction}" for one in order)
        return f"ARRAY_AGG({kept} IGNORE NULLS ORDER BY {sorting}{'' if most is None else f' LIMIT {most}'})"

    def md5(self, text: str) -> str:
        return f"TO_HEX(MD5({text}))"

    def list_or_empty(self, values: str, dtype: DType) -> str:
        return f"coalesce({values}, ARRAY<{self.types[dtype]}>[])"
