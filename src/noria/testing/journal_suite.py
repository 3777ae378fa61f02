"""What every database under a journal must do: subclass `JournalSuite` and give it the fixture `database`."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from noria.core.clock import ManualClock
from noria.core.errors import Conflict, Corrupt
from noria.stores.database import Database
from noria.stores.journal import GENESIS, Anchor, Fact, Journal, journal

notes = sa.Table(
    "testing_notes", sa.MetaData(), sa.Column("name", sa.String(40), primary_key=True), sa.Column("text", sa.Text)
)
"""A table of no lifecycle folder, for looking at transactions."""


WRITER = """
import sys
from noria.core.clock import SystemClock
from noria.stores.database import Database
from noria.stores.journal import Fact, Journal
database = Database(sys.argv[1])
log = Journal(database, SystemClock(), "ada")
for number in range(int(sys.argv[2])):
    with database.transaction() as connection:
        seq = log.append(connection, Fact("RunStarted", "x"), Fact("RunFinished", "x", {"number": number}))
    print(seq, flush=True)
"""
"""A process that says two facts at a time, and tells the number of the last one when it was committed."""


class JournalSuite:
    """A subclass gives the fixture `database`: an open `Database` that nobody has used before."""

    @pytest.fixture
    def log(self, database: Database) -> Journal:
        database.migrate()
        notes.create(database.engine)
        return Journal(database, ManualClock(1000), "ada")

    @pytest.fixture
    def say(self, database: Database, log: Journal) -> Any:
        def say(kind: str, subject: str = "lateness", **data: Any) -> int:
            with database.transaction() as connection:
                return log.append(connection, Fact(kind, subject, data))

        return say

    def test_facts_are_numbered_dated_signed_and_chained(self, log: Journal, say: Any) -> None:
        assert (say("RunStarted", run="r1"), say("RunFinished", run="r1")) == (1, 2)
        first, second = log.read()
        assert (first.seq, first.at, first.actor, first.data) == (1, 1000, "ada", {"run": "r1"})
        assert (first.previous, second.previous) == (GENESIS, first.hash)
        assert log.verify() == 2

    def test_reading_chooses_by_number_kind_and_subject(self, log: Journal, say: Any) -> None:
        for number in range(6):
            say(("GatePassed", "GateFailed")[number % 2], ("lateness", "weather")[number // 3])
        assert [one.seq for one in log.read(after=4)] == [5, 6]
        assert [one.seq for one in log.read(kinds=["GateFailed"], subject="lateness")] == [2]
        assert [one.seq for one in log.read(newest_first=True, limit=2)] == [6, 5]
        assert log.read(after=99) == []

    def test_what_is_said_comes_back_letter_by_letter(self, log: Journal, say: Any) -> None:
        hostile = "'; DROP TABLE journal; -- \u00fc\u4e2d\U0001f682 \\ \" \n"
        say("RunFailed", hostile, text=hostile, nested={"list": [1, 2.5, None, True]})
        (entry,) = log.read()
        assert (entry.subject, entry.data["text"]) == (hostile, hostile)
        assert entry.data["nested"] == {"list": [1, 2.5, None, True]}
        assert log.verify() == 1

    def test_a_fact_lives_and_dies_with_its_transaction(self, database: Database, log: Journal, say: Any) -> None:
        say("RunStarted")
        with pytest.raises(ZeroDivisionError), database.transaction() as connection:
            connection.execute(sa.insert(notes).values(name="x", text="y"))
            log.append(connection, Fact("RunFinished", "lateness"))
            raise ZeroDivisionError
        assert [one.kind for one in log.read()] == ["RunStarted"]
        with database.reading() as connection:
            assert connection.execute(sa.select(notes)).all() == []
        assert log.verify() == 1

    def test_nan_is_no_fact(self, log: Journal, say: Any) -> None:
        with pytest.raises(ValueError, match="JSON"):
            say("RunFinished", loss=float("nan"))
        assert log.read() == []

    @pytest.mark.parametrize("column", ["at", "kind", "subject", "actor", "data", "previous", "hash"])
    def test_an_altered_entry_is_found(self, database: Database, log: Journal, say: Any, column: str) -> None:
        for number in range(4):
            say("VersionPromoted", version=number)
        new = 7 if column == "at" else '{"version":9}' if column == "data" else "0" * 64
        with database.transaction() as connection:
            connection.execute(sa.update(journal).where(journal.c.seq == 3).values({column: new}))
        with pytest.raises(Corrupt, match="altered at entry 3"):
            log.verify()

    def test_a_removed_entry_is_found(self, database: Database, log: Journal, say: Any) -> None:
        for _ in range(4):
            say("VersionPromoted")
        with database.transaction() as connection:
            connection.execute(sa.delete(journal).where(journal.c.seq == 2))
        with pytest.raises(Corrupt, match="altered at entry 3"):
            log.verify()

    def test_an_entry_put_in_is_found(self, database: Database, log: Journal, say: Any) -> None:
        say("VersionPromoted")
        (first,) = log.read()
        forged = {"seq": 2, "at": 1, "kind": "ApprovalGiven", "subject": "x", "actor": "eve", "data": "{}"}
        with database.transaction() as connection:
            connection.execute(sa.insert(journal).values(**forged, previous=first.hash, hash="0" * 64))
        with pytest.raises(Corrupt, match="altered at entry 2"):
            log.verify()

    def test_what_an_anchor_adds_to_the_proof(self, database: Database, log: Journal, say: Any) -> None:
        assert log.anchor() == Anchor(0, GENESIS)
        for number in range(3):
            say("VersionPromoted", version=number)
        anchor = log.anchor()
        say("VersionPromoted", version=3)
        assert log.verify(anchor) == 4
        with database.transaction() as connection:
            connection.execute(sa.delete(journal).where(journal.c.seq > 2))
        assert log.verify() == 2  # the chain alone cannot miss what was at its end
        with pytest.raises(Corrupt, match="cut off after entry 2; it had 3"):
            log.verify(anchor)
        say("VersionPromoted", version=7)
        assert log.verify() == 3
        with pytest.raises(Corrupt, match="written anew: entry 3"):
            log.verify(anchor)

    def test_many_processes_make_one_chain(self, database: Database, log: Journal) -> None:
        url = database.url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", WRITER, url, "10"]
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
        assert [process.wait() for process in running] == [0] * 4
        assert log.verify() == 80

    def test_a_killed_writer_leaves_whole_transactions(self, database: Database, log: Journal) -> None:
        url = database.url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", WRITER, url, "1000000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline()) for _ in range(20)]
            writer.kill()
        entries = log.verify()
        assert entries >= acknowledged[-1]
        assert entries % 2 == 0
        assert [one.kind for one in log.read(limit=2)] == ["RunStarted", "RunFinished"]

    def test_many_writers_make_one_chain(self, database: Database, log: Journal, say: Any) -> None:
        def write() -> None:
            for _ in range(10):
                say("RunFinished")

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [one.seq for one in log.read()] == list(range(1, 81))
        assert log.verify() == 80

    def test_upserting_overwrites_by_key(self, database: Database, log: Journal) -> None:
        for text in ("first", "second"):
            with database.transaction() as connection:
                database.upsert(connection, notes, [{"name": "a", "text": text}, {"name": text, "text": ""}], ["name"])
        with database.reading() as connection:
            kept = {row.name: row.text for row in connection.execute(sa.select(notes))}
        assert kept == {"a": "second", "first": "", "second": ""}

    def test_who_comes_second_meets_a_conflict(self, database: Database, log: Journal) -> None:
        with database.transaction() as connection:
            connection.execute(sa.insert(notes).values(name="a"))
        with pytest.raises(Conflict), database.transaction() as connection:
            connection.execute(sa.insert(notes).values(name="a"))
