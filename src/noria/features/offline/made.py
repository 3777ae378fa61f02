"""What the offline side hands on: tables of feature values by request, and the names of its working columns.

Requests lie in `asked(noria_row, noria_t, noria_e0, …)`. Rows of a source lie in `events(noria_e0, …, noria_at,
noria_known, noria_seen, noria_gone, noria_key, …)`: when it happened, when it was known, from when on it counts
(`noria_known`, or with hindsight `noria_at`), when it was taken back (null: never), which event it is, and its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Made:
    """A table keyed by `noria_row` (rows without an answer may be missing) whose columns are `features`."""

    table: str
    features: tuple[str, ...]


def entities(count: int, table: str = "") -> list[str]:
    """The working columns that hold an entity's parts."""
    return [f"{table}noria_e{place}" for place in range(count)]


def listed(columns: Iterable[str]) -> str:
    """Columns as a list.

    >>> listed(["a", "b"])
    'a, b'
    """
    return ", ".join(columns)


def both(conditions: Sequence[str]) -> str:
    """Conditions of which all must hold."""
    return " AND ".join(conditions) if conditions else "TRUE"
