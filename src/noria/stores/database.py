"""The metadata database: an engine, a transaction, an upsert. Nothing here knows a table by name.

Each lifecycle folder declares its own tables on `metadata` (in its `tables.py`) and writes its own queries;
this module only opens SQLite or PostgreSQL the way Noria needs them: on SQLite write-ahead logging,
`synchronous=FULL` (an acknowledged commit survives a power cut) and `BEGIN IMMEDIATE` (two writers queue
instead of failing half-way), on PostgreSQL psycopg 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from noria.core.errors import Conflict, NoriaError, StorageFull, Unavailable
from noria.stores.sqlite import sqlite_module

metadata = sa.MetaData()
"""Every table of Noria; folders add theirs in `tables.py`."""


class Database:
    """One metadata database.

    `url` is an SQLAlchemy URL: `sqlite:///path/to/noria.db` or `postgresql+psycopg://user@host/name`.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(_with_driver(url))
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else sa.create_engine(self.url, pool_pre_ping=True)

    @property
    def is_sqlite(self) -> bool:
        """True on SQLite, False on PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A write transaction: all of it is committed, or none.

        Raises Unavailable when the database is away or stays locked, StorageFull when its disk is full,
        Conflict when a constraint says that somebody else was first.
        """
        with _translated(), self.engine.execution_options(noria_write=True).begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A read transaction: one consistent view, which never blocks a writer."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    def upsert(
        self, connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]
    ) -> None:
        """Insert rows; where one with the same `keys` exists, overwrite its other columns."""
        if not rows:
            return
        insert = sqlite.insert if self.is_sqlite else postgresql.insert
        statement = insert(table)
        updates = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        if updates:
            statement = statement.on_conflict_do_update(index_elements=list(keys), set_=updates)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=list(keys))
        connection.execute(statement, [dict(row) for row in rows])

    def migrate(self) -> None:
        """Bring the tables to this release's schema; cheap when they are."""
        metadata.create_all(self.engine)

    def close(self) -> None:
        """Return every connection."""
        self.engine.dispose()


def _with_driver(url: str) -> str:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, module=sqlite_module(), connect_args={"timeout": 30.0})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own guess is deferred
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("noria_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict(f"the database refused a row: {error.orig}") from error
    except (exc.OperationalError, exc.InterfaceError) as error:
        raise _operational(error) from error
    except exc.InternalError as error:
        raise Unavailable(f"the database broke off: {error.orig}") from error


def _operational(error: exc.DBAPIError) -> NoriaError:
    text = str(error.orig)
    if "full" in text and ("disk" in text or "space" in text):
        return StorageFull(f"the database's disk is full: {text}", hint="free room and run the same command again")
    return Unavailable(f"the database does not answer: {text}", hint="nothing was changed; try again when it is back")
