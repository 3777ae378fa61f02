"""Arrow tables made plain enough for every engine: five types, moments as int64 microseconds UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def plain(table: pa.Table) -> pa.Table:
    """The table with its moments as int64 microseconds (nanoseconds are floored), dictionaries and views decoded.

    >>> plain(pa.table({"at": pa.array([-1], pa.timestamp("ns"))})).to_pydict()
    {'at': [-1]}
    """
    columns = [_plain(column) for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def apart(table: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """The table with such names (`told_apart`), and which they are."""
    names = told_apart(table.column_names)
    return table.rename_columns([names.get(name, name) for name in table.column_names]), names


def told_apart(names: Sequence[str]) -> dict[str, str]:
    """Other names for columns whose names differ in case alone, for engines that take them for one.

    >>> told_apart(["heat", "Heat", "at"])
    {'Heat': 'Heat_1'}
    """
    taken: set[str] = set()
    renamed = {}
    for place, name in enumerate(names):
        free = name
        while free.lower() in taken:
            free = f"{free}_{place}"
        taken.add(free.lower())
        if free != name:
            renamed[name] = free
    return renamed


def _plain(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns":
            nanos = column.cast(pa.int64())
            down = pc.if_else(pc.less(nanos, 0), pc.subtract(nanos, 999), nanos)  # Arrow's division truncates
            return pc.divide(down, 1000)
        return column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())
    if pa.types.is_date(kind):
        return _plain(column.cast(pa.timestamp("us")))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    return column
