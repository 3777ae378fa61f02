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
from noria.data.suites.fields import Field
from noria.data.suites.plan import NotRun, Refused


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
    listed, cell = members(field, values), cell or field.sql
    return f"{cell} IN ({', '.join(listed)})" if listed else f"({cell} IS NULL AND NULL)"


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
