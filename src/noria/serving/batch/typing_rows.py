"""The rows of a chunk as the endpoint would read them: typed, and refused with the reason where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.errors import Fault, FaultyInput
from noria.core.schema import Column
from noria.core.suggest import did_you_mean
from noria.data.parsing import STORAGE, Mask, Typed, convert, flags, type_name


class UnfitTable(FaultyInput):
    """A table lacks columns that the model needs, or they are of types that cannot hold what it takes."""

    code = "N6124"


@dataclass(frozen=True)
class TypedRows:
    """Columns in their storage types, and for each row why it is refused ("" where it is not)."""

    columns: dict[str, Any]
    reasons: np.ndarray[Any, Any]

    @property
    def good(self) -> Mask:
        """The rows that are not refused."""
        mask: Mask = self.reasons == ""
        return mask


def check_columns(there: Sequence[str], needed: Sequence[Column], what: str) -> None:
    """Raise UnfitTable naming every column that is missing; one that may be null may be missing."""
    faults = [
        Fault(column.name, "the table has no such column", did_you_mean(column.name, there))
        for column in needed
        if column.name not in there and not column.nullable
    ]
    if faults:
        raise UnfitTable(what, faults, hint=f"the table has: {', '.join(there[:30])}")


def type_rows(table: pa.Table, needed: Sequence[Column]) -> TypedRows:
    """Every needed column, typed and held against its bounds. Raises UnfitTable for a column of another kind."""
    reasons: np.ndarray[Any, Any] = np.full(table.num_rows, "", dtype=object)
    faults: list[Fault] = []
    columns: dict[str, Any] = {}
    for column in needed:
        if column.name not in table.column_names:
            columns[column.name] = pa.nulls(table.num_rows, STORAGE[column.dtype])
            continue
        typed = _typed(table[column.name], column)
        if typed is None:
            said = f"holds {type_name(table[column.name])}, and the model takes {column.dtype}"
            faults.append(Fault(column.name, said))
            continue
        columns[column.name] = typed.values
        _judge(column, typed, reasons)
    if faults:
        raise UnfitTable("the table", faults, hint="cast these columns where the table is made")
    return TypedRows(columns, reasons)


def _typed(values: Any, column: Column) -> Typed | None:
    """A bare whole number as a time is microseconds, as in a request."""
    if column.dtype == "time" and pa.types.is_integer(values.type):
        values = pc.cast(values, pa.timestamp("us"))
    return convert(values, column.dtype)


def _judge(column: Column, typed: Typed, reasons: np.ndarray[Any, Any]) -> None:
    values = typed.values
    _refuse(reasons, typed.unusable, f"{column.name} is no {column.dtype}")
    if column.dtype == "float":
        _refuse(reasons, flags(pc.is_inf(values)), f"{column.name} is not finite")
    if not column.nullable:
        _refuse(reasons, flags(pc.is_null(values)) & ~typed.unusable, f"{column.name} is null")
    if column.at_least is not None and column.dtype in ("int", "float"):
        _refuse(reasons, flags(pc.less(values, column.at_least)), f"{column.name} lies below {column.at_least:g}")
    if column.at_most is not None and column.dtype in ("int", "float"):
        _refuse(reasons, flags(pc.greater(values, column.at_most)), f"{column.name} lies above {column.at_most:g}")


def _refuse(reasons: np.ndarray[Any, Any], mask: Mask, said: str) -> None:
    for row in np.flatnonzero(mask):
        reasons[row] = f"{reasons[row]}; {said}" if reasons[row] else said
