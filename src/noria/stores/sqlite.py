"""Which SQLite to use: Python's own may be older than a release that fixed a bug which corrupts databases."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

_SAFE = (3, 51, 3)
"""The first release without the bug of resetting the write-ahead log."""


def sqlite_module() -> Any:
    """The driver to use: Python's own when it is new enough, else the `pysqlite3` wheel where it is installed."""
    if sqlite3.sqlite_version_info >= _SAFE:
        return sqlite3
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    return dbapi2


def directly(connection: sa.Connection) -> Any:
    """The driver's own connection below a transaction's, for the few statements that run thousands of times a second.

    SQLAlchemy's part of a small statement costs ten times what SQLite's does. What the driver raises is translated
    where the transaction is (see `faults`), like everything else.
    """
    return connection.connection.driver_connection
