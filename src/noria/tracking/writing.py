"""How rows of tracking are written where many writers meet: first come, first served, and nobody in a circle.

Rows that a transaction brings are sorted by their keys, so that two transactions which bring the same ones wait for
each other in one direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> int | None:
    """Insert a row; gives its `key`, or None when there is one that has the same unique values.

    Of two transactions which do so at once, the second waits for the first and then learns that it came second.
    """
    insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
    statement = insert(table).values(**row).on_conflict_do_nothing().returning(table.c.key)
    key = connection.execute(statement).scalar_one_or_none()
    return None if key is None else int(key)


def insert_missing(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of the rows, sorted by the caller, that are not there yet; the others stay as they are."""
    if rows:
        insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
        connection.execute(insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def is_sqlite(connection: sa.Connection) -> bool:
    """Whether the connection leads to SQLite; otherwise it leads to PostgreSQL."""
    return connection.dialect.name == "sqlite"


def numbers(keys: Iterable[int]) -> str:
    """Integer keys as SQL writes them between brackets; a driver has limits for parameters, and takes longer.

    >>> numbers([3, 1])
    '3,1'
    """
    return ",".join(str(int(key)) for key in keys)
