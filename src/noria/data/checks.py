"""The checks of rows: each is one vectorised pass over a typed column and marks the rows it finds bad.

Nothing is clipped, filled in or repaired. A NaN counts as null, as it does where a data frame wrote the file;
an infinity is never a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.schema import Column, Schema
from noria.data.model import INGESTED_AT, Problem
from noria.data.normalise import TypedFile
from noria.data.parsing import Mask, Moments, flags

VERSION = 1
"""Raised whenever a check judges differently, so that results kept from before are not used."""


@dataclass(frozen=True)
class RowFault:
    """The rows (a mask over the file) that one check found bad in one column."""

    check: str
    column: str
    message: str
    mask: Mask


def row_faults(file: TypedFile, schema: Schema) -> list[RowFault]:
    """Every fault wrong with single rows of one file, duplicates of a key within it included."""
    found: list[RowFault] = []
    for column in schema:
        found += _of_column(file, column, required=column.name in (schema.event_time, schema.key, INGESTED_AT))
    if INGESTED_AT not in schema and not file.same_times:
        found += _of_column(file, Column(INGESTED_AT, "time"), required=True)
    found += _future(file, schema)
    found = [fault for fault in found if fault.mask.any()]
    if schema.key:
        found += [fault for fault in _key(file, schema, any_of(found, file.rows)) if fault.mask.any()]
    return found


def any_of(faults: list[RowFault], rows: int) -> Mask:
    """The rows that any of the faults marks."""
    bad = np.zeros(rows, dtype=np.bool_)
    for fault in faults:
        bad |= fault.mask
    return bad


def _of_column(file: TypedFile, column: Column, *, required: bool) -> Iterator[RowFault]:
    typed = file.columns[column.name]
    yield RowFault("type", column.name, f"is not a {column.dtype}", typed.unusable)
    values = typed.values
    if column.dtype == "float":
        infinite = flags(pc.is_inf(values))
        if infinite.any():
            yield RowFault("infinite", column.name, "is infinite", infinite)
    if required or not column.nullable:
        missing = flags(pc.is_null(values)) & ~typed.unusable
        yield RowFault("null", column.name, "is missing", missing)
    unit = f" {column.unit}" if column.unit else ""
    if column.dtype in ("int", "float"):
        if column.at_least is not None:
            low = flags(pc.less(values, column.at_least))
            yield RowFault("bounds", column.name, f"is below {column.at_least:g}{unit}", low)
        if column.at_most is not None:
            high = flags(pc.greater(values, column.at_most))
            yield RowFault("bounds", column.name, f"is above {column.at_most:g}{unit}", high)


def _future(file: TypedFile, schema: Schema) -> Iterator[RowFault]:
    if not file.same_times:
        event, known = file.columns[schema.event_time].values, file.columns[INGESTED_AT].values
        mask = flags(pc.greater(event, known))
        yield RowFault("future", schema.event_time, f"is later than {INGESTED_AT}: nobody could know it then", mask)


def _key(file: TypedFile, schema: Schema, bad: Mask) -> Iterator[RowFault]:
    assert schema.key is not None
    backs = taken_back(file.columns[schema.retraction].values) if schema.retraction else None
    later = later_duplicates(file.columns[schema.key].values, file.times(schema), ~bad, backs)
    if not later.any():
        return
    same = later & _repeats(file, schema)
    yield RowFault("duplicate", schema.key, "the whole row is there already", same)
    yield RowFault("key", schema.key, "another row has this key and was known first", later & ~same)


def taken_back(marks: Any) -> Mask:
    """Which rows take their event back, from the values of the retraction column."""
    back = pc.less(marks, 0) if pa.types.is_integer(marks.type) else marks
    return flags(pc.fill_null(back, False))


def later_duplicates(keys: Any, times: tuple[Moments, Moments], among: Mask, backs: Mask | None = None) -> Mask:
    """Which rows share their key with a row that was known before them.

    `times` are when each row happened and when it was known; `among` tells which rows count. A row that takes
    its event back (`backs`) is no duplicate of the event.
    The first known row stays: so what is a duplicate at some moment is one at every later moment.
    """
    later = np.zeros(len(keys), dtype=np.bool_)
    rows = np.flatnonzero(among)
    codes = keys.filter(pa.array(among)).dictionary_encode()
    if len(codes.dictionary) == len(rows):
        return later
    code = codes.indices.to_numpy()
    if backs is not None:
        code = code.astype(np.int64) * 2 + backs[rows]
    by_key = np.lexsort((times[0][rows], times[1][rows], code))
    same = code[by_key[1:]] == code[by_key[:-1]]
    later[rows[by_key[1:][same]]] = True
    return later


def _repeats(file: TypedFile, schema: Schema) -> Mask:
    """Which rows are equal in every column to one that stands before them in the file."""
    names = [*schema.names, *([INGESTED_AT] if INGESTED_AT not in schema else [])]
    table = pa.table({name: file.columns[name].values for name in names}).append_column(
        "_row", pa.array(np.arange(file.rows))
    )
    first = table.group_by(names, use_threads=False).aggregate([("_row", "min")])["_row_min"].to_numpy()
    mask = np.ones(file.rows, dtype=np.bool_)
    mask[first] = False
    return mask


def file_warnings(file: TypedFile, schema: Schema) -> tuple[Problem, ...]:
    """What is odd about a file as a whole without making any of its rows bad.

    Rows out of time order; no rows at all; and, where no key is declared, rows that are equal in every
    column, which may well be two things that happened alike. Problems are given without an example: the
    same content may lie under several names.
    """
    if file.rows == 0 and not file.malformed:
        return (Problem("empty", "", 0, "the file has no rows"),)
    found = []
    event = file.columns[schema.event_time].values.drop_null().to_numpy()
    backwards = int(np.count_nonzero(event[1:] < event[:-1]))
    if backwards:
        message = "rows are not in time order; they are sorted"
        found.append(Problem("order", schema.event_time, backwards, message))
    if not schema.key and (twice := int(_repeats(file, schema).sum())):
        message = "rows are equal to another one in every column; they are kept, as no key is declared"
        found.append(Problem("duplicate", "", twice, message))
    return tuple(found)
