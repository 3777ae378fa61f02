"""One column as it was found, turned into one of the five types; values that cannot be are marked, not guessed.

Text (every cell of a CSV file) is parsed; numbers and timestamps of any width are widened or rounded down to
microseconds. A column whose physical type cannot hold the declared one at all (a list, a bare integer where a
time is declared) gives None: that is a fault of the file, not of its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import parse_moment
from noria.core.schema import DType

Mask = npt.NDArray[np.bool_]
Moments = npt.NDArray[np.int64]

STORAGE: dict[DType, Any] = {
    "string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "time": pa.int64(),
}  # fmt: skip
"""The Arrow type each of ours is kept as."""

_NULL_WORDS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "\\N"]
_INT = r"^-?\d{1,18}$"
_FLOAT = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$"
_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_ZONE = r":\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)$"
_EARLIEST, _LATEST = parse_moment("0001-01-01"), parse_moment("9999-12-31")
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class Typed:
    """A column in its storage type, null where it was null or unusable, and which values were unusable."""

    values: Any
    unusable: Mask


def convert(column: Any, dtype: DType) -> Typed | None:
    """A raw Arrow array as `dtype`, or None when its physical type cannot hold that."""
    values = _plain(column)
    kind = values.type
    if pa.types.is_null(kind):
        return Typed(pa.nulls(len(values), STORAGE[dtype]), _nowhere(values))
    if pa.types.is_string(kind):
        return _TEXT[dtype](values)
    return _PHYSICAL[dtype](values)


def _plain(column: Any) -> Any:
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(values, pa.ChunkedArray):  # more text than one array can address
        values = pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in values.chunks])
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    return values


def _nowhere(values: Any) -> Mask:
    return np.zeros(len(values), dtype=np.bool_)


def flags(values: Any) -> Mask:
    """An Arrow boolean array as a NumPy one, null counting as false."""
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask


def _text_to_string(values: Any) -> Typed:
    return Typed(values, _nowhere(values))


def _parsed(values: Any, pattern: str, tidy: Callable[[Any], Any], storage: Any) -> Typed:
    words = tidy(pc.utf8_trim_whitespace(values))
    present = pc.and_(pc.is_valid(words), pc.invert(pc.is_in(words, pa.array(_NULL_WORDS))))
    usable = pc.and_(present, pc.match_substring_regex(words, pattern))
    found = pc.if_else(pc.fill_null(usable, False), words, pa.scalar(None, pa.string()))
    return Typed(pc.cast(found, storage), flags(present) & ~flags(usable))


def _text_to_int(values: Any) -> Typed:
    tidy = "^\\+|\\.0+$"  # a plus sign, and what a spreadsheet makes of an integer column with gaps
    return _parsed(values, _INT, lambda words: pc.replace_substring_regex(words, tidy, ""), pa.int64())


def _text_to_float(values: Any) -> Typed:
    return _parsed(values, _FLOAT, lambda words: pc.replace_substring_regex(words, r"^\+", ""), pa.float64())


def _text_to_bool(values: Any) -> Typed:
    typed = _parsed(values, r"^(true|false|1|0)$", pc.utf8_lower, pa.string())
    truth = pc.is_in(typed.values, pa.array(["true", "1"]))
    return Typed(pc.if_else(pc.is_valid(typed.values), truth, pa.scalar(None, pa.bool_())), typed.unusable)


def _text_to_time(values: Any) -> Typed:
    typed = _parsed(values, _TIME, lambda words: pc.replace_substring_regex(words, r"(\.\d{6})\d+", r"\1"), pa.string())
    words = typed.values
    try:
        return Typed(_moments(words), typed.unusable)
    except pa.ArrowInvalid:  # some 30th of February: find out which
        found = {word: _moment(word) for word in pc.unique(words).to_pylist() if word is not None}
        moments = pa.array([found.get(word) for word in words.to_pylist()], pa.int64())
        return Typed(moments, typed.unusable | (flags(pc.is_valid(words)) & flags(pc.is_null(moments))))


def _moments(words: Any) -> Any:
    zoned = pc.fill_null(pc.match_substring_regex(words, _ZONE), False)
    nothing = pa.scalar(None, pa.string())
    aware = pc.cast(pc.if_else(zoned, words, nothing), pa.timestamp("us", tz="UTC"))
    naive = pc.cast(pc.if_else(zoned, nothing, words), pa.timestamp("us"))
    return pc.coalesce(pc.cast(aware, pa.int64()), pc.cast(naive, pa.int64()))


def _moment(word: str) -> int | None:
    try:
        return parse_moment(word)
    except (ValueError, OverflowError):
        return None


def _to_string(_values: Any) -> Typed | None:
    return None


def _to_int(values: Any) -> Typed | None:
    kind = values.type
    if pa.types.is_uint64(kind):
        usable = pc.less_equal(values, pa.scalar(2**63 - 1, pa.uint64()))
        found = pc.if_else(pc.fill_null(usable, False), values, pa.scalar(None, kind))
        return Typed(pc.cast(found, pa.int64()), flags(pc.invert(usable)))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(values, pa.float64(), safe=False)
        whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2.0**63))
        missing = pc.or_(pc.is_null(values), pc.fill_null(pc.is_nan(numbers), False))
        usable = pc.fill_null(whole, False)
        found = pc.if_else(usable, values, pa.scalar(None, kind))
        return Typed(pc.cast(found, pa.int64(), safe=False), ~flags(usable) & ~flags(missing))
    if pa.types.is_integer(kind):
        return Typed(pc.cast(values, pa.int64()), _nowhere(values))
    return None


def _to_float(values: Any) -> Typed | None:
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    numbers = pc.cast(values, pa.float64(), safe=False)
    nan = pc.is_nan(numbers)
    if pc.any(nan).as_py():
        numbers = pc.if_else(nan, pa.scalar(None, pa.float64()), numbers)
    return Typed(numbers, _nowhere(values))


def _to_bool(values: Any) -> Typed | None:
    return Typed(values, _nowhere(values)) if pa.types.is_boolean(values.type) else None


def _to_time(values: Any) -> Typed | None:
    if pa.types.is_date(values.type):
        values = pc.cast(values, pa.timestamp("s"))
    if not pa.types.is_timestamp(values.type):
        return None
    present = flags(pc.is_valid(values))
    ticks = pc.fill_null(pc.cast(values, pa.int64()), 0).to_numpy()
    rate = _PER_SECOND[values.type.unit]
    if rate > 1_000_000:
        moments = np.floor_divide(ticks, rate // 1_000_000)
        usable = present
    else:
        factor = 1_000_000 // rate
        usable = present & (ticks >= _EARLIEST // factor) & (ticks <= _LATEST // factor)
        moments = np.where(usable, ticks, 0) * factor
    return Typed(pa.array(moments, pa.int64(), mask=~usable), present & ~usable)


_TEXT: dict[DType, Callable[[Any], Typed]] = {
    "string": _text_to_string, "int": _text_to_int, "float": _text_to_float, "bool": _text_to_bool,
    "time": _text_to_time,
}  # fmt: skip
_PHYSICAL: dict[DType, Callable[[Any], Typed | None]] = {
    "string": _to_string, "int": _to_int, "float": _to_float, "bool": _to_bool, "time": _to_time,
}  # fmt: skip


def as_text(column: Any) -> Any:
    """Any Arrow array as strings, to be shown to people."""
    values = _plain(column)
    try:
        return pc.cast(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in values.to_pylist()], pa.string())


def type_name(column: Any) -> str:
    """What people call the physical type of a column."""
    return str(column.type)
