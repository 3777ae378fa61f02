"""Source events as they come over a wire, held against their source: typed, or refused with every fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import isfinite
from operator import itemgetter
from typing import Any

from noria.core.clock import Micros, parse_moment, to_micros
from noria.core.errors import Fault
from noria.core.schema import Column
from noria.core.suggest import did_you_mean
from noria.data.model import INGESTED_AT

Converter = Callable[[Any], Any]
_SHOWN = 20
_FLOAT = {float}
_FIRST, _LAST = to_micros(datetime.min), to_micros(datetime.max)


class Misfit(ValueError):
    """A value does not fit its column."""


def converter(column: Column) -> Converter:
    """The function that turns a JSON value into the column's type; it raises Misfit saying why it cannot."""
    convert = _CONVERTERS[column.dtype]
    low, high = column.at_least, column.at_most

    def checked(value: Any) -> Any:
        if value is None:
            if column.nullable:
                return None
            raise Misfit("is null")
        typed = convert(value)
        if low is not None and typed < low:
            raise Misfit(f"{typed} lies below {low:g}")
        if high is not None and typed > high:
            raise Misfit(f"{typed} lies above {high:g}")
        return typed

    return checked


class RowReader:
    """Reads rows of one shape."""

    def __init__(self, columns: Sequence[Column], *, also: Sequence[str] = ()) -> None:
        self.names = [column.name for column in columns]
        self._converters = [(column.name, converter(column), column.nullable) for column in columns]
        self._plain = [
            (column.name, _plain_type(column), convert)
            for column, (_, convert, _) in zip(columns, self._converters, strict=True)
        ]
        self._readable = {*self.names, *also}
        self._float_names = [name for name, plain, _ in self._plain if plain is float]
        self._floats = itemgetter(*self._float_names) if len(self._float_names) > 1 else None
        self._others = [one for one in self._plain if one[1] is not float]

    def read(self, row: Any, place: str, faults: list[Fault]) -> dict[str, Any]:
        """The row with typed values; everything wrong with it is added to `faults`, with its path from `place`."""
        if type(row) is not dict and not isinstance(row, Mapping):
            faults.append(Fault(place, f"must be an object, not {type(row).__name__}"))
            return {}
        try:
            return self._whole(row)
        except (KeyError, Misfit):
            return self._with_faults(row, place, faults)

    def _whole(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row with every column and nothing else. Raises KeyError or Misfit for any other: it is looked at again."""
        typed = {}
        columns = self._plain
        if self._floats is not None:
            values = self._floats(row)
            if set(map(type, values)) == _FLOAT and isfinite(sum(values)):  # the usual row: all of them at once
                typed = dict(zip(self._float_names, values, strict=True))
                columns = self._others
        for name, plain, convert in columns:
            value = row[name]
            # most of what comes has its type already; NaN and infinity do not leave 0
            kind = type(value)
            typed[name] = value if kind is plain and value - value == 0 else convert(value)
        if len(row) > len(typed) and not row.keys() <= self._readable:
            raise KeyError
        return typed

    def _with_faults(self, row: Mapping[str, Any], place: str, faults: list[Fault]) -> dict[str, Any]:
        typed: dict[str, Any] = {}
        for name, convert, nullable in self._converters:
            if name not in row:
                if nullable:
                    typed[name] = None
                else:
                    faults.append(Fault(f"{place}.{name}", "is missing"))
                continue
            try:
                typed[name] = convert(row[name])
            except Misfit as misfit:
                faults.append(Fault(f"{place}.{name}", str(misfit)))
        if not row.keys() <= self._readable:
            for name in row.keys() - self._readable:
                guess = did_you_mean(str(name), self.names)
                faults.append(Fault(f"{place}.{_plain(name)}", "nobody reads this", guess))
        return typed


def _plain_type(column: Column) -> type | None:
    """The Python type whose finite values a column takes as they are; None where each one must be looked at."""
    return float if column.dtype == "float" and column.at_least is None and column.at_most is None else None


def merged_columns(shapes: Sequence[Sequence[Column]]) -> list[Column]:
    """One shape that fits rows of several versions of a source: the newest's types, the loosest demands.

    A column that only some of them have may be missing.
    """
    merged: dict[str, Column] = {}
    for column in (column for shape in shapes for column in shape):
        before = merged.get(column.name, column)
        everywhere = all(any(one.name == column.name for one in shape) for shape in shapes)
        merged[column.name] = replace(
            column,
            nullable=column.nullable or before.nullable or not everywhere,
            at_least=_loosest(min, before.at_least, column.at_least),
            at_most=_loosest(max, before.at_most, column.at_most),
        )
    return list(merged.values())


def _loosest(pick: Callable[[float, float], float], one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else pick(one, other)


def ingested(row: Mapping[str, Any], event: Micros, place: str, faults: list[Fault]) -> Micros:
    """When an event was known: its `ingested_at`, or its own time; never before it happened."""
    value = row.get(INGESTED_AT)
    if value is None:
        return event
    try:
        known = moment(value)
    except Misfit as misfit:
        faults.append(Fault(f"{place}.{INGESTED_AT}", str(misfit)))
        return 0
    if event > known:
        faults.append(Fault(place, "happened later than it was ingested", "are the clocks right?"))
    return known


def moment(value: Any) -> Micros:
    """A time in JSON, microseconds or ISO text, as microseconds UTC. Raises Misfit."""
    if isinstance(value, int) and not isinstance(value, bool):
        if _FIRST <= value <= _LAST:
            return value
        raise Misfit(f"{_short(value)} microseconds since 1970 is no time of the years 1 to 9999")
    if isinstance(value, str):
        try:
            return parse_moment(value)
        except (ValueError, OverflowError):
            pass
    raise Misfit(f"{_short(value)} is no time; write microseconds since 1970 or 2026-01-31T12:00:00Z")


def shown(faults: Sequence[Fault]) -> list[Fault]:
    """The first faults, and how many more there are."""
    more = len(faults) - _SHOWN
    return [*faults[:_SHOWN], Fault("…", f"and {more} more")] if more > 0 else list(faults)


def _text(value: Any) -> str:
    if isinstance(value, str):
        if value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Misfit(f"{_short(value)} is no text that UTF-8 can hold") from None
        return value
    raise Misfit(f"{_short(value)} is no text")


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    raise Misfit(f"{_short(value)} is no whole number of 64 bits")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
        raise Misfit(f"{_short(value)} is not finite")
    raise Misfit(f"{_short(value)} is no number")


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Misfit(f"{_short(value)} is neither true nor false")


def _plain(name: Any) -> str:
    """A name that was sent, for a message."""
    return _short(name)[1:-1]


def _short(value: Any) -> str:
    """A value for a message, ASCII and of bounded length, whatever was sent."""
    try:
        shown = ascii(value)
    except ValueError:  # Python refuses to write out integers of thousands of digits
        return f"a number of {value.bit_length()} bits"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


_CONVERTERS: dict[str, Converter] = {
    "string": _text, "int": _integer, "float": _number, "bool": _truth, "time": moment
}  # fmt: skip
