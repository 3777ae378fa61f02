"""Names and values as SQL. Everything that comes from a suite or a table goes through here, so nothing is injected."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any


def name(text: str) -> str:
    """A column's or table's name as an SQL identifier.

    >>> name('a "b"; drop')
    '"a ""b""; drop"'
    """
    return '"' + text.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as an SQL literal. A zero byte, which SQL text cannot hold, is put together from its code.

    >>> text("it's")
    "'it''s'"
    """
    quoted = "'" + value.replace("'", "''") + "'"
    return "(" + quoted.replace("\0", "' || chr(0) || '") + ")" if "\0" in value else quoted


def value(given: Any) -> str:
    """A Python value as an SQL literal. Raises ValueError for what has no literal."""
    if given is None:
        return "NULL"
    if isinstance(given, bool):
        return "TRUE" if given else "FALSE"
    if isinstance(given, int):
        return str(given) if abs(given) < 2**127 else f"{float(given)!r}::DOUBLE"
    if isinstance(given, float):
        return f"'{given}'::DOUBLE" if not math.isfinite(given) else f"{given!r}::DOUBLE"
    if isinstance(given, Decimal):
        return str(given)
    if isinstance(given, dt.datetime):
        return f"{text(given.isoformat(sep=' '))}::{'TIMESTAMPTZ' if given.tzinfo else 'TIMESTAMP'}"
    if isinstance(given, dt.date):
        return f"{text(given.isoformat())}::DATE"
    if isinstance(given, str):
        return text(given)
    raise ValueError(f"a value of type {type(given).__name__} cannot be compared with a column")
