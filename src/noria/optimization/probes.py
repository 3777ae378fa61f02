"""Rows that the test window may not hold and a request may bring: a null, or a text never seen in training.

A graph that answers alike on every test row can still treat these otherwise. Each probe is a few real rows
with one column changed in every other row: a frame guesses the type of a column of nulls only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from noria.features.model import InputColumn

_ROWS = 16
UNSEEN = "never seen in training"
"""A text that no category has."""


def probes(columns: Sequence[InputColumn], table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """What is tried, in words, and the rows to try it with."""
    for column in columns:
        kind = table.schema.field(column.name).type
        if column.nullable:
            yield f"{column.name} is null", _changed(table, column.name, pa.scalar(None, kind))
        if column.dtype == "string":
            yield f"{column.name} is a text never seen", _changed(table, column.name, pa.scalar(UNSEEN).cast(kind))


def _changed(table: pa.Table, name: str, value: pa.Scalar) -> pa.Table:
    rows = table.filter(pc.is_valid(table[name])).slice(0, _ROWS)
    every_other = pa.array([place % 2 == 0 for place in range(len(rows))], pa.bool_())
    place = rows.column_names.index(name)
    return rows.set_column(place, rows.schema.field(place), pc.if_else(every_other, value, rows[name]))
