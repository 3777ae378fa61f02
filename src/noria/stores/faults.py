"""What a database driver says, told as one of Noria's errors.

Drivers agree on little: SQLite gives a result code, PostgreSQL a five-letter SQLSTATE, or none when the
connection itself broke. Only what may happen to sound code is translated; a wrong statement is our own
mistake, and its error goes through as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from noria.core.errors import Conflict, Corrupt, NoriaError, StorageFull, Unavailable
from noria.stores.sqlite import sqlite_module

_SQLITE_AWAY = {5: "locked", 6: "locked", 8: "read-only", 9: "interrupted", 10: "disk error", 14: "cannot be opened"}
_SQLITE_FULL = 13
_SQLITE_CONSTRAINT = 19
_SQLITE_CORRUPT = (11, 26)  # malformed; not a database
_POSTGRES_FULL = ("53100", "53400")
_POSTGRES_RACE = ("40001", "40P01", "55P03")  # serialization, deadlock, lock not available
_POSTGRES_CORRUPT = ("XX001", "XX002")
_POSTGRES_AWAY = ("08", "53", "57", "58", "28")  # connection, resources, shutdown, disk, who may come in
_POSTGRES_READ_ONLY = "25006"  # a standby after a switch-over


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise Noria's errors instead of the driver's, naming the database `where`."""
    try:
        yield
    except exc.TimeoutError as error:
        raise _away(where, "every connection is in use") from error
    except exc.DBAPIError as error:
        told = _told(where, error.orig, lost=error.connection_invalidated)
        if told is None:
            raise
        raise told from error
    except sqlite_module().Error as error:  # raised while a connection is being prepared, where nobody wraps it
        told = _told_by_sqlite(where, error)
        if told is None:
            raise
        raise told from error


def _told(where: str, error: BaseException | None, *, lost: bool) -> NoriaError | None:
    if isinstance(error, sqlite_module().Error):
        return _told_by_sqlite(where, error)
    return _told_by_postgres(where, error, lost=lost)


def _told_by_sqlite(where: str, error: BaseException) -> NoriaError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _SQLITE_FULL:
        return _full(where, str(error))
    if code in _SQLITE_CORRUPT:
        return _corrupt(where, str(error))
    if code == _SQLITE_CONSTRAINT:
        return _conflict(str(error))
    if code in _SQLITE_AWAY:
        return _away(where, str(error))
    return None


def _told_by_postgres(where: str, error: BaseException | None, *, lost: bool) -> NoriaError | None:
    state = getattr(error, "sqlstate", None) or ""
    text = str(error).strip().partition("\n")[0]
    if state.startswith("23"):
        return _conflict(text)
    if state in _POSTGRES_RACE:
        return Conflict(f"another transaction was in the way: {text}", hint="nothing was changed; run again")
    if state in _POSTGRES_FULL:
        return _full(where, text)
    if state in _POSTGRES_CORRUPT:
        return _corrupt(where, text)
    connecting = not state and type(error).__name__ in ("OperationalError", "ConnectionTimeout")
    if lost or connecting or state.startswith(_POSTGRES_AWAY) or state == _POSTGRES_READ_ONLY:
        return _away(where, text)
    return None


def _away(where: str, text: str) -> NoriaError:
    said = f"the database {where} does not answer: {text}"
    return Unavailable(said, hint="nothing was changed; try again when it is back")


def _full(where: str, text: str) -> NoriaError:
    return StorageFull(f"the disk of the database {where} is full: {text}", hint="free room and run again")


def _corrupt(where: str, text: str) -> NoriaError:
    said = f"the database {where} is damaged, or is no database: {text}"
    return Corrupt(said, hint="restore it from a backup; nothing was changed")


def _conflict(text: str) -> NoriaError:
    return Conflict(f"the database refused a row: {text}", hint="somebody else was first; read again")
