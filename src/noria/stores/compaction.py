"""Databases without what was deleted from them.

A deleted row stays in the file until its page is written again: SQLite keeps free pages and a write-ahead log, LMDB
keeps the pages of older versions, PostgreSQL dead tuples. Whoever must be sure that something is gone has the file
written anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import lmdb

from noria.core.errors import Conflict
from noria.stores.database import Database
from noria.stores.disk import sync_folder


def compact_database(database: Database, tables: Sequence[str]) -> None:
    """Write the tables (SQLite: everything) anew. Takes the room of what is written, for as long as it lasts.

    Raises Conflict when another process reads or writes it and keeps a part of the old file in use.
    """
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver = connection.connection.driver_connection
        if not database.is_sqlite:
            for table in tables:
                connection.exec_driver_sql(f'VACUUM FULL "{table}"')
            return
        assert driver is not None
        driver.execute("VACUUM")
        busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise Conflict("the database is in use", hint="stop Noria's processes on it, and run again")


def compact_lmdb(folder: Path) -> None:
    """Copy an LMDB environment without its free pages over itself; nobody may have it open."""
    if not (folder / "data.mdb").exists():
        return
    fresh = folder.with_name(f"{folder.name}.compact")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    environment = lmdb.open(str(folder), map_size=64 << 30)
    try:
        environment.copy(str(fresh), compact=True)
    finally:
        environment.close()
    with (fresh / "data.mdb").open("rb") as file:
        os.fsync(file.fileno())
    (fresh / "data.mdb").replace(folder / "data.mdb")
    shutil.rmtree(fresh)
    sync_folder(folder)
