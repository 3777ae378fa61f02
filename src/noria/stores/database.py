"""The metadata database: an engine, a transaction, an upsert. Nothing here knows a table by name.

Each lifecycle folder declares its own tables on `metadata` (in its `tables.py`) and writes its own queries;
this module only opens SQLite or PostgreSQL the way Noria needs them: on SQLite write-ahead logging,
`synchronous=FULL` (an acknowledged commit survives a power cut) and `BEGIN IMMEDIATE` (two writers queue
instead of failing half-way), on PostgreSQL psycopg 3.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from noria.core.errors import BadInput, NoriaError, Unavailable
from noria.stores.faults import translated
from noria.stores.migrations import upgrade
from noria.stores.schema import metadata
from noria.stores.sqlite import directly, sqlite_module

__all__ = ["Database", "NestedTransaction", "UnknownDatabase", "metadata"]

_PATIENCE = 30.0
_MIGRATING = 0x6D696772617465  # "migrate": one process at a time changes the schema on PostgreSQL


class UnknownDatabase(BadInput):
    """A database URL that cannot be used."""

    code = "N2001"


class NestedTransaction(NoriaError):
    """A write transaction was begun inside another one of the same thread; it would wait for itself."""

    code = "N2002"


class Database:
    """One metadata database.

    `url` is an SQLAlchemy URL: `sqlite:///path/to/noria.db` or `postgresql+psycopg://user@host/name`.
    `patience` is how many seconds a writer waits for another one on SQLite, and anybody for a connection.
    Raises UnknownDatabase for any other URL, Unavailable when its folder cannot be made.
    """

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        self.url = _parsed(url)
        self._name = self.url.render_as_string(hide_password=True)
        self._held = threading.local()
        self._caches: dict[str, dict[Any, Any]] = {}
        make = _sqlite_engine if self.is_sqlite else _postgres_engine
        self.engine = make(self.url, patience)
        self._writing = self.engine.execution_options(noria_write=True)

    @property
    def is_sqlite(self) -> bool:
        """True on SQLite, False on PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A write transaction: all of it is committed, or none. Not to be nested: pass the connection on.

        Raises Unavailable when the database is away or stays locked, StorageFull when its disk is full,
        Conflict when a constraint says that somebody else was first, Corrupt when it is damaged. When a
        server goes away in the very commit, Unavailable leaves open whether it was committed.
        """
        if getattr(self._held, "transaction", False):
            raise NestedTransaction(
                "a transaction was begun inside another one, for which it would wait for ever",
                hint="pass the outer transaction's connection to what needs it",
            )
        self._held.transaction, self._held.committed = True, []
        try:
            with translated(self._name), self._writing.begin() as connection:
                yield connection
            for action in self._held.committed:
                action()
        finally:
            self._held.transaction, self._held.committed = False, []

    @contextmanager
    def part(self, connection: sa.Connection) -> Iterator[None]:
        """A part of this thread's transaction: when it fails, what it wrote is undone, and the rest may go on.

        What it wanted to be done after the commit is then not done either. Errors come as the driver's own.
        """
        before = len(self._held.committed)
        try:
            with connection.begin_nested():
                yield
        except BaseException:
            del self._held.committed[before:]
            raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A read transaction: one consistent view, which never blocks a writer.

        It does not see what an unfinished `transaction` of the same thread has written.
        """
        with translated(self._name), self.engine.connect() as connection:
            yield connection

    def after_commit(self, action: Callable[[], object]) -> None:
        """Do something once this thread's transaction is committed, and never when it is not; it must not fail."""
        if getattr(self._held, "transaction", False):
            self._held.committed.append(action)

    def cache(self, name: str) -> dict[Any, Any]:
        """What this process remembers of rows that never change. To be filled by `after_commit` alone:
        a row of a transaction that is rolled back was never there.
        """
        return self._caches.setdefault(name, {})

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
        """Bring the tables to this release's schema; one query when they are.

        Processes that do so at the same time wait for each other. Raises NewerSchema when a later release
        has been here, Unavailable when the database does not answer, Corrupt when it is damaged.
        """
        with self.reading() as connection:
            if upgrade.is_newest(connection):
                return
        with (
            translated(self._name),
            self._writing.connect() as connection,
            _unreferenced(connection, self.is_sqlite),
            connection.begin(),
        ):
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            if not upgrade.is_newest(connection):
                upgrade.upgrade(connection)

    def close(self) -> None:
        """Return every connection."""
        self.engine.dispose()


def _parsed(url: str) -> sa.URL:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            url = "postgresql+psycopg://" + url.removeprefix(plain)
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise UnknownDatabase("the database's URL cannot be read", hint=_HOW) from error
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise UnknownDatabase(f"{parsed.drivername!r} is no kind of database that Noria knows", hint=_HOW)
    return parsed


_HOW = "write sqlite:///path/to/noria.db or postgresql://user@host/name"


def _postgres_engine(url: sa.URL, patience: float) -> sa.Engine:
    arguments = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    try:
        return sa.create_engine(url, pool_pre_ping=True, pool_timeout=patience, connect_args=arguments)
    except ImportError as error:
        raise UnknownDatabase("PostgreSQL needs a driver", hint="pip install 'noria[postgres]'") from error


def _sqlite_engine(url: sa.URL, patience: float) -> sa.Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"the database's folder {folder} cannot be made: {error.strerror}") from error

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; the driver's own guess is deferred
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    engine = sa.create_engine(url, module=sqlite_module(), connect_args={"timeout": patience}, pool_timeout=patience)
    sa.event.listen(engine, "connect", prepare)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def _unreferenced(connection: sa.Connection, is_sqlite: bool) -> Iterator[None]:
    """Let tables be made anew, as SQLite must to alter one: a table dropped for a moment takes no rows along."""
    if not is_sqlite:
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("noria_write", False)
    directly(connection).execute("BEGIN IMMEDIATE" if writes else "BEGIN")
