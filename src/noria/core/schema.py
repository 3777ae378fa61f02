"""The shape of a row: column names, types, units and bounds. Values only; reading files is `data`'s business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

DType = Literal["string", "int", "float", "bool", "time"]
"""The five types of a column. `time` is int64 microseconds UTC inside."""


@dataclass(frozen=True)
class Column:
    """One column: what it is called, what it holds and which values are allowed.

    `at_least` and `at_most` are inclusive bounds in `unit`; a value outside is quarantined, not clipped.
    """

    name: str
    dtype: DType
    nullable: bool = False
    unit: str | None = None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Schema:
    """The columns of a source in declared order, with those that have a meaning of their own.

    `event_time` tells when a row happened, `key` names the event it tells of, `retraction` (a truth value, or a
    whole number below zero) that it takes that event back.
    """

    columns: tuple[Column, ...]
    event_time: str
    key: str | None = None
    retraction: str | None = None

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in declared order."""
        return tuple(column.name for column in self.columns)
