"""Small pieces of SQL as DuckDB reads them: names, constants, floored moments, the rows of parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from noria.core.clock import Micros
from noria.data.model import INGESTED_AT, Part
from noria.features.dialects.duckdb import DuckDb
from noria.features.model import Predicate

_WORDS = DuckDb()


def quoted(name: str) -> str:
    """A name as SQL writes it.

    >>> quoted("a b")
    '"a b"'
    """
    return '"' + name.replace('"', '""') + '"'  # of any length: nothing is ever cut off here


def text(value: str) -> str:
    """A text constant.

    >>> text("it's")
    "'it''s'"
    """
    return _WORDS.text(value)


def number(value: float) -> str:
    """A number constant; with a fraction it goes as text, because DuckDB reads `0.1` as a decimal.

    >>> number(15.0), number(0.1), number(-3)
    ('15', "CAST('0.1' AS DOUBLE)", '-3')
    """
    return _WORDS.number(value)


def floored(moment: str, hop: Micros) -> str:
    """The last multiple of `hop` at or before `moment`; DuckDB's own division would truncate."""
    return _WORDS.floored(f"({moment})", hop)


def condition(predicate: Predicate) -> str:
    """A predicate; null where its column is null."""
    value = predicate.value
    if isinstance(value, bool):
        constant = "TRUE" if value else "FALSE"
    else:
        constant = text(value) if isinstance(value, str) else number(value)
    op = {"==": "=", "!=": "<>"}.get(predicate.op, predicate.op)
    return f"{quoted(predicate.column)} {op} {constant}"


def rows_of(parts: Sequence[Part], paths: Mapping[str, Path], columns: Iterable[str]) -> str:
    """The rows of parts, of each only those ingested by its `as_of`; with `ingested_at` beside the columns."""
    chosen = ", ".join(quoted(column) for column in dict.fromkeys([*columns, INGESTED_AT]))
    pieces = []
    for part in parts:
        file = text(re.sub(r"([*?\[])", r"[\1]", paths[part.digest].as_posix()))  # a path is no pattern
        known = f" WHERE {INGESTED_AT} <= {part.as_of}" if part.as_of is not None else ""
        pieces.append(f"SELECT {chosen} FROM read_parquet({file}, hive_partitioning = false){known}")
    return " UNION ALL ".join(pieces)


def default_of(types: Mapping[str, str], name: str | None) -> str:
    """A constant of a column's type, which stands where nothing is; for a column that there is not, zero."""
    return {"string": "''", "bool": "FALSE", "float": "CAST(0 AS DOUBLE)"}.get(types.get(name or "", ""), "0")
