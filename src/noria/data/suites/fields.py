"""The columns of a table as checks see them: a name, a type, a kind, and the SQL of a cell.

A NaN is a missing value, as it is where a data frame wrote the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from noria.core.suggest import did_you_mean
from noria.data.suites import quoting
from noria.data.suites.plan import Refused

Kind = Literal["number", "text", "time", "bool", "other"]

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
WHOLE = frozenset([*_WHOLE, *(f"U{one}" for one in _WHOLE)])
"""The types of whole numbers."""

FLOATING = frozenset(["FLOAT", "DOUBLE"])
"""The types of numbers with a fraction that may be NaN."""


@dataclass(frozen=True)
class Field:
    """One column of the table that is checked; `type` is DuckDB's name of it."""

    name: str
    type: str

    @property
    def kind(self) -> Kind:
        """What values of it can be compared with."""
        if self.type in WHOLE or self.type in FLOATING or self.type.startswith("DECIMAL"):
            return "number"
        if self.type == "VARCHAR" or self.type.startswith("ENUM"):
            return "text"
        if self.type.startswith(("TIMESTAMP", "DATE")):
            return "time"
        return "bool" if self.type == "BOOLEAN" else "other"

    @property
    def sql(self) -> str:
        """A cell, null when missing."""
        quoted = quoting.name(self.name)
        if self.type in FLOATING:
            return f"nullif({quoted}, 'nan'::{self.type})"
        return f"{quoted}::VARCHAR" if self.type.startswith("ENUM") else quoted

    @property
    def text(self) -> str:
        """A cell as text."""
        return self.sql if self.kind == "text" else f"({self.sql})::VARCHAR"


def find(fields: Mapping[str, Field], name: object) -> Field:
    """The column of that name. Raises Refused naming what there is."""
    if not isinstance(name, str):
        raise Refused(f"a column is named by a text, not by {name!r:.60}")
    if name in fields:
        return fields[name]
    listed = ", ".join(list(fields)[:20]) or "none"
    guess = did_you_mean(name, fields)
    raise Refused(f"there is no column {name!r}; the columns are {listed}" + (f"; {guess}" if guess else ""))
