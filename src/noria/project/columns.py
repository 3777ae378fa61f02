"""Columns of a source, as values: `Arrival.delay > 15` is a predicate that can be stored and compiled.

To a type checker a column has the type that the class declares (`delay: float`), so a project file is
checked like any other code; at run time the class attribute is a `ColumnRef`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

from noria.core.schema import Column, DType
from noria.features.model import Predicate

Role = Literal["column", "key", "event_time", "retraction"]


@dataclass(frozen=True)
class ColumnMark:
    """What a declaration says beyond the annotation: the role, the unit and the bounds."""

    role: Role = "column"
    unit: str | None = None
    at_least: float | None = None
    at_most: float | None = None


def key() -> Any:
    """The column that names a row; unique in its source."""
    return ColumnMark("key")


def event_time() -> Any:
    """The column that tells when the row happened. Every source has exactly one, of type `datetime`."""
    return ColumnMark("event_time")


def column(*, unit: str | None = None, at_least: float | None = None, at_most: float | None = None) -> Any:
    """A column with a unit and inclusive bounds; a row outside them is quarantined, never clipped."""
    return ColumnMark("column", unit, at_least, at_most)


def retraction() -> Any:
    """The column that tells that a row takes back the event of its key: a `bool`, or an `int` below zero.

    A row that takes an event back has the event's key, entity and event time. From the moment it is known, the
    event counts for nobody who asks from then on.
    """
    return ColumnMark("retraction")


@dataclass(frozen=True)
class ColumnPredicate:
    """A comparison of a source's column with a constant."""

    source: str
    predicate: Predicate
    dtype: DType | None = None

    @property
    def text(self) -> str:
        """The comparison as it was written."""
        return f"{self.source}.{self.predicate.column} {self.predicate.op} {self.predicate.value!r}"

    def __bool__(self) -> bool:
        said = "is a predicate on rows, not a fact: hand it to share(), where= (a list when all must hold) or label()"
        raise TypeError(f"{self.text} {said}")


class ColumnRef:
    """A column of a source class: what `Departure.delay` is at run time."""

    def __init__(self, source: str, column: Column) -> None:
        self.source = source
        self.column = column

    def __repr__(self) -> str:
        return f"{self.source}.{self.column.name}"

    def __lt__(self, value: float) -> ColumnPredicate:
        return self._compared("<", value)

    def __le__(self, value: float) -> ColumnPredicate:
        return self._compared("<=", value)

    def __gt__(self, value: float) -> ColumnPredicate:
        return self._compared(">", value)

    def __ge__(self, value: float) -> ColumnPredicate:
        return self._compared(">=", value)

    def __eq__(self, value: object) -> Any:
        return self._compared("==", value)

    def __ne__(self, value: object) -> Any:
        return self._compared("!=", value)

    __hash__ = object.__hash__

    def _compared(self, op: Literal["<", "<=", ">", ">=", "==", "!="], value: object) -> ColumnPredicate:
        truth = isinstance(value, bool) and self.column.dtype == "bool"
        number = truth or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))
        if not number and not isinstance(value, str):
            raise TypeError(f"{self!r} {op} {value!r}: a column is compared with a number or a text")
        constant = value if isinstance(value, str) else float(cast("float", value))
        return ColumnPredicate(self.source, Predicate(self.column.name, op, constant), self.column.dtype)
