"""Rows that the test window may not hold and a request may bring: a null, or a text never seen in training.

A graph that answers alike on every test row can still treat these otherwise. Each probe is a few real rows
with one column changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from noria.features.model import InputColumn

_ROWS = 16
UNSEEN = "never seen in training"
"""A text that no category has."""


def probes(columns: Sequence[InputColumn], table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """What is tried, in words, and the rows to try it with."""
    few = table.slice(0, _ROWS)
    for place, name in enumerate(few.column_names):
        column = next((one for one in columns if one.name == name), None)
        if column is None:
            continue
        field = few.schema.field(place)
        if column.nullable:
            yield f"{name} is null", few.set_column(place, field, pa.nulls(len(few), field.type))
        if column.dtype == "string":
            unseen = pa.array([UNSEEN] * len(few)).cast(field.type)
            yield f"{name} is a text never seen", few.set_column(place, field, unseen)
