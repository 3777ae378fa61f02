"""Both databases, away and back, full, and asked by several at once."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from noria.core.clock import ManualClock
from noria.core.errors import Conflict, Corrupt, StorageFull, Unavailable
from noria.stores.database import Database, NestedTransaction, UnknownDatabase
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
    database = Database(f"sqlite:///{tmp_path / 'noria.db'}")
    for attempt in (database.migrate, lambda: count(database), lambda: add(database, 1)):
        with pytest.raises(Corrupt, match=r"noria\.db is damaged, or is no database"):
            attempt()
    assert (tmp_path / "noria.db").read_bytes() == content


def test_a_database_damaged_in_the_middle_is_told(sqlite, tmp_path):
    things.create(sqlite.engine)
    for number in range(200):
        add(sqlite, number, "x" * 500)
    with sqlite.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sqlite.close()
    file = tmp_path / "noria.db"
    data = bytearray(file.read_bytes())
    data[8192:-4096] = b"\xa5" * len(data[8192:-4096])
    file.write_bytes(data)
    with pytest.raises(Corrupt, match="restore it from a backup"), sqlite.reading() as connection:
        connection.execute(sa.select(things)).all()


def test_a_database_that_stays_locked_is_unavailable_and_then_works(sqlite):
    things.create(sqlite.engine)
    impatient = Database(str(sqlite.url), patience=0.1)
    with sqlite.transaction():
        with pytest.raises(Unavailable, match="locked"):
            add(impatient, 1)
        assert count(impatient) == 0
    add(impatient, 1)
    assert count(sqlite) == 1
    impatient.close()


def test_what_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable, match="unable to open"):
        Database(f"sqlite:///{tmp_path / 'folder'}").migrate()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be made"):
        Database(f"sqlite:///{tmp_path / 'file' / 'noria.db'}")
    with pytest.raises(Unavailable, match="does not answer") as told:
        Database("postgresql://ada:secret@127.0.0.1:1/noria").migrate()
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["", "noria.db", "mysql://host/noria", "sqlite+other:///x", "postgresql://host:port/x"])
def test_a_url_of_no_known_database_is_refused(url):
    with pytest.raises(UnknownDatabase, match=r"sqlite:///path/to/noria.db"):
        Database(url)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_transaction_inside_another_is_refused_at_once(request, kind):
    """It would wait for the outer one, which waits for it."""
    database = request.getfixturevalue(kind)
    things.create(database.engine)
    with pytest.raises(NestedTransaction, match="pass the outer"), database.transaction() as connection:
        connection.execute(sa.insert(things).values(id=1))
        add(database, 2)
    assert count(database) == 0
    add(database, 3)
    other = threading.Thread(target=add, args=(database, 4))
    with database.reading():
        other.start()
        other.join()
        add(database, 5)
    assert count(database) == 3


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_wrong_statement_is_our_own_mistake_and_not_translated(request, kind):
    database = request.getfixturevalue(kind)
    for statement in ("SELECT * FROM nowhere", "SELEKT 1"):
        with pytest.raises(sa.exc.DBAPIError), database.transaction() as connection:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("state", "expected"),
    [("53100", StorageFull), ("53200", Unavailable), ("57P03", Unavailable), ("58030", Unavailable),
     ("40001", Conflict), ("40P01", Conflict), ("23505", Conflict), ("XX001", Corrupt)],
)  # fmt: skip
def test_postgresql_tells_by_its_codes_what_is_the_matter(postgresql, state, expected):
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'it is the matter' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(expected, match="it is the matter"), postgresql.transaction() as connection:
        connection.exec_driver_sql(raising)


def test_a_connection_that_the_server_ends_is_made_anew(postgresql):
    things.create(postgresql.engine)
    with pytest.raises(Unavailable), postgresql.transaction() as connection:
        connection.execute(sa.insert(things).values(id=1))
        mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with postgresql.reading() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({mine})")
        connection.execute(sa.insert(things).values(id=2))
    add(postgresql, 3)
    assert count(postgresql) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_upserting_needs_no_rows_and_takes_many(request, kind):
    database = request.getfixturevalue(kind)
    things.create(database.engine)
    for text in ("old", "new"):
        with database.transaction() as connection:
            database.upsert(connection, things, [], ["id"])
            database.upsert(connection, things, [{"id": number, "text": text} for number in range(2000)], ["id"])
            database.upsert(connection, things, [{"id": number} for number in range(1990, 2010)], ["id"])
    with database.reading() as connection:
        texts = connection.execute(sa.select(things.c.text).order_by(things.c.id)).scalars().all()
    assert texts == ["new"] * 2000 + [None] * 10


def test_what_waits_for_the_commit_is_done_after_it_and_not_without_it(sqlite):
    things.create(sqlite.engine)
    seen = []
    with sqlite.transaction() as connection:
        connection.execute(sa.insert(things).values(id=1))
        sqlite.after_commit(lambda: seen.append(count(sqlite)))
        assert seen == []
    with pytest.raises(ZeroDivisionError), sqlite.transaction():
        sqlite.after_commit(lambda: seen.append("rolled back"))
        raise ZeroDivisionError
    add(sqlite, 2)
    sqlite.after_commit(lambda: seen.append("no transaction"))
    add(sqlite, 3)
    assert seen == [1]


def test_a_cache_belongs_to_one_database(sqlite, postgresql):
    sqlite.cache("names")["loss"] = 1
    assert (sqlite.cache("names"), sqlite.cache("others"), postgresql.cache("names")) == ({"loss": 1}, {}, {})


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_part_of_a_transaction_that_fails_takes_back_its_own_and_no_more(request, kind):
    database = request.getfixturevalue(kind)
    things.create(database.engine)
    done = []
    with database.transaction() as connection:
        connection.execute(sa.insert(things).values(id=1))
        with pytest.raises(sa.exc.IntegrityError), database.part(connection):
            connection.execute(sa.insert(things).values(id=2))
            database.after_commit(lambda: done.append("within"))
            connection.execute(sa.insert(things).values(id=1))
        with database.part(connection):
            connection.execute(sa.insert(things).values(id=3))
            database.after_commit(lambda: done.append("after"))
        assert done == []
    with database.reading() as connection:
        assert sorted(connection.execute(sa.select(things.c.id)).scalars()) == [1, 3]
    assert done == ["after"]
