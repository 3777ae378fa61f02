"""Values of a suite against cells of a column: what may be compared with what, as SQL.

A text is never compared with a number: such a bound is refused, such a member of a set matches nothing. Texts
are read as moments where the column is one.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from noria.data.suites import quoting
from noria.data.suites.fields import WHOLE, Field
from noria.data.suites.plan import NotRun, Refused

_MANY = 200


def literal(field: Field, value: Any, what: str = "the value") -> str:
    """The value as an SQL literal that can be compared with the column. Raises Refused, NotRun for NaN."""
    if isinstance(value, float) and math.isnan(value):
        raise NotRun(f"{what} is NaN, which nothing can be compared with")
    found = _comparable(field, value)
    if found is None:
        raise Refused(f"{what} {value!r:.80} cannot be compared with {field.name!r}, which is {field.type}")
    return found


def members(field: Field, values: Sequence[Any]) -> list[str]:
    """Those of the values that the column could hold, as SQL literals, each once."""
    return list(dict.fromkeys(one for one in (_comparable(field, value) for value in values) if one is not None))


def in_set(field: Field, values: Sequence[Any], cell: str | None = None) -> str:
    """An SQL condition: the cell is one of the values; null where the cell is."""
    cell = cell or field.sql
    if len(values) > _MANY and field.kind in ("number", "text", "time"):
        return f"{cell} IN ({_unpacked(field, values)})"
    listed = members(field, values)
    return f"{cell} IN ({', '.join(listed)})" if listed else f"({cell} IS NULL AND NULL)"


def _unpacked(field: Field, values: Sequence[Any]) -> str:
    """Very many values as a query that takes one text apart: as so many literals they would take minutes to read."""
    whole = field.type in WHOLE and not any(isinstance(one, float) for one in values)
    type_ = {"number": field.type if whole else "DOUBLE", "text": "VARCHAR"}.get(field.kind, field.type)
    texts = [text for text in (_as_text(field, value) for value in values) if text is not None]
    if not texts:
        return "SELECT NULL WHERE FALSE"
    used = set().union(*texts)
    apart = next(mark for mark in map(chr, range(1, 0xD800)) if mark not in used)
    return f"SELECT unnest(string_split({quoting.text(apart.join(texts))}, {quoting.text(apart)}))::{type_}"


def _as_text(field: Field, value: Any) -> str | None:
    """A value that the column could hold as the text that is cast to it; None for one that it could not."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if field.kind == "number" and isinstance(value, int | float | Decimal):
        whole = isinstance(value, int) and field.type in WHOLE
        return None if whole and abs(value) >= 2**63 else str(int(value) if isinstance(value, bool) else value)
    if field.kind == "text" and isinstance(value, str):
        return value
    moment = as_moment(value) if field.kind == "time" else None
    return moment.isoformat(sep=" ") if isinstance(moment, dt.datetime) else moment and moment.isoformat()


def _comparable(field: Field, value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if field.kind == "number":
        return quoting.value(value) if isinstance(value, int | float | Decimal) else None
    if field.kind == "text":
        return quoting.text(value) if isinstance(value, str) else None
    if field.kind == "bool":
        return quoting.value(bool(value)) if value in (0, 1) and not isinstance(value, str) else None
    if field.kind == "time":
        moment = as_moment(value)
        return None if moment is None else quoting.value(moment)
    return f"{quoting.text(value)}::{field.type}" if isinstance(value, str) else None


def as_moment(value: Any) -> dt.datetime | dt.date | None:
    """A moment from what a JSON document can say about one, or None."""
    if isinstance(value, dt.datetime | dt.date):
        return value
    if not isinstance(value, str):
        return None
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return _loosely(value)


def _loosely(value: str) -> dt.datetime | None:
    from dateutil import parser  # type: ignore[import-untyped]  # pandas brings it

    try:
        found: dt.datetime = parser.parse(value)
    except (ValueError, OverflowError, TypeError, RecursionError):
        return None
    return found
