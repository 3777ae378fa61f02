"""Both databases, away and back, full, and asked by several at once."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from noria.core.clock import ManualClock
from noria.core.errors import StorageFull, Unavailable
from noria.stores.database import Database
from noria.stores.journal import Fact, Journal, journal
from noria.testing.postgres import PostgresServer

things = sa.Table("things", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))


def count(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(things)).scalar_one()


def add(database: Database, number: int, text: str = "") -> None:
    with database.transaction() as connection:
        connection.execute(sa.insert(things).values(id=number, text=text))


def test_postgresql_may_go_away_and_come_back():
    with PostgresServer() as server:
        database = Database(server.url)
        things.create(database.engine)
        journal.create(database.engine)
        log = Journal(database, ManualClock(1), "ada")
        add(database, 1)
        server.stop()
        for attempt in (lambda: add(database, 2), lambda: count(database), log.read):
            with pytest.raises(Unavailable, match="does not answer"):
                attempt()
        server.start()
        add(database, 2)
        assert count(database) == 2
        server.stop()
        server.start()
        with database.transaction() as connection:  # a connection that broke in between is noticed beforehand
            log.append(connection, Fact("RunFinished", "lateness"))
        assert log.verify() == 1
        database.close()


def test_a_server_that_breaks_off_in_a_transaction_commits_nothing():
    with PostgresServer() as server:
        database = Database(server.url)
        things.create(database.engine)
        with pytest.raises(Unavailable), database.transaction() as connection:
            connection.execute(sa.insert(things).values(id=1))
            server.stop()
            connection.execute(sa.insert(things).values(id=2))
        server.start()
        assert count(database) == 0
        database.close()


def test_a_full_sqlite_says_so_and_is_usable_afterwards(sqlite):
    things.create(sqlite.engine)

    def limit(pages: int) -> None:
        with sqlite.reading() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    limit(20)
    add(sqlite, 0)
    with pytest.raises(StorageFull, match="disk is full"):
        for number in range(1, 1000):
            add(sqlite, number, "x" * 1000)
    kept = count(sqlite)
    assert 0 < kept < 1000
    limit(1_000_000)
    add(sqlite, 5000, "x" * 100_000)
    assert count(sqlite) == kept + 1


def test_sqlite_is_opened_so_that_a_commit_survives_a_power_cut(sqlite):
    with sqlite.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_writers_queue_and_readers_do_not_wait(sqlite):
    things.create(sqlite.engine)
    with sqlite.transaction() as connection:
        connection.execute(sa.insert(things).values(id=1000))
        assert count(sqlite) == 0
    threads = [threading.Thread(target=add, args=(sqlite, number)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(sqlite) == 17


@pytest.mark.parametrize(
    "content", [b"this is no database at all, but text" * 40, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_told(tmp_path, content):
    (tmp_path / "noria.db").write_bytes(content)
    with pytest.raises(Exception, match=r"not a database|malformed|does not answer"):
        Database(f"sqlite:///{tmp_path / 'noria.db'}").migrate()


def test_a_killed_writer_leaves_the_chain_whole(tmp_path):
    forever = (
        "import sys, itertools; from noria.stores.database import Database; from noria.stores.journal import *\n"
        "from noria.core.clock import SystemClock\n"
        "database = Database(sys.argv[1]); database.migrate()\n"
        "log = Journal(database, SystemClock(), 'ada')\n"
        "for number in itertools.count():\n"
        "    with database.transaction() as connection:\n"
        "        seq = log.append(connection, Fact('A', 'x'), Fact('B', 'x'))\n"
        "    print(seq, flush=True)\n"
    )
    url = f"sqlite:///{tmp_path / 'noria.db'}"
    with subprocess.Popen([sys.executable, "-c", forever, url], stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(50):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
    database = Database(url)
    entries = Journal(database, ManualClock(1), "bob").verify()
    assert entries >= acknowledged
    assert entries % 2 == 0
    database.close()
