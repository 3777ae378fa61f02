"""A raw file with every declared column in its storage type, plus when each row could be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from noria.core.errors import Fault
from noria.core.schema import Column, Schema
from noria.data.model import INGESTED_AT
from noria.data.parsing import Moments, Typed, convert, type_name
from noria.data.reading import Malformed, RawFile

_HINTS = {
    "time": "a time is a timestamp or ISO text: a bare number does not tell its unit",
    "bool": "a bool is true or false: cast 0 and 1 where the file is made",
}


@dataclass(frozen=True)
class TypedFile:
    """The rows of one file, typed: by column name, `ingested_at` always among them."""

    name: str
    rows: int
    raw: Any
    columns: dict[str, Typed]
    malformed: tuple[Malformed, ...] = ()
    order: list[int] | None = None

    @property
    def same_times(self) -> bool:
        """Whether the file does not tell when its rows could be known, so that they were as they happened."""
        return INGESTED_AT not in self.raw.column_names

    def times(self, schema: Schema) -> tuple[Moments, Moments]:
        """When each row happened and when it was known; 0 where that is null."""
        both = (self.columns[schema.event_time], self.columns[INGESTED_AT])
        event, known = (typed.values.fill_null(0).to_numpy() for typed in both)
        return event, known


def type_columns(file: RawFile, schema: Schema) -> tuple[TypedFile | None, list[Fault]]:
    """Type every column; gives the faults of columns whose physical type cannot hold the declared one."""
    columns, faults = {}, []
    wanted = list(schema)
    if INGESTED_AT in file.table.column_names and INGESTED_AT not in schema:
        wanted.append(Column(INGESTED_AT, "time"))
    for column in wanted:
        raw = file.table[column.name]
        typed = convert(raw, column.dtype)
        if typed is None:
            message = f"column {column.name!r} holds {type_name(raw)}, declared {column.dtype}"
            faults.append(Fault(file.name, message, _HINTS.get(column.dtype, "")))
        else:
            columns[column.name] = typed
    if faults:
        return None, faults
    columns.setdefault(INGESTED_AT, columns[schema.event_time])
    order = file.order if file.malformed else None
    return TypedFile(file.name, file.table.num_rows, file.table, columns, file.malformed, order), []
