"""Clocks that differ, stores that come back older, spools that are gone: what counts when, and how fresh it is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sensors import DAY, EVERY_KIND, HOUR, MINUTE, READING, reading
from test_handover import table

from noria.core.errors import Conflict, NotFound, Unavailable
from noria.features.model import BadEvents, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.features.online.ledger import Fresh
from noria.features.online.reader import FeatureReader
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_memory import MemoryOnlineStore
from noria.stores.online_redis import RedisOnlineStore
from noria.testing.redis_server import RedisServer

AT = 100 * DAY
SECOND = 1_000_000
SHORT = ViewSpec("Short", "Reading", ("sensor",), "read_at", EVERY_KIND.features[:1], READING)


class Keeping:
    """Online features over one folder, closed and opened again at will."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open()

    def open(self, *views: ViewSpec) -> OnlineFeatures:
        store = LmdbOnlineStore(self.folder / "store", map_bytes=1 << 26)
        self.online = OnlineFeatures(views or [EVERY_KIND], store, self.folder / "spool")
        return self.online

    def again(self, *views: ViewSpec) -> OnlineFeatures:
        self.online.close()
        return self.open(*views)

    def die(self) -> None:
        self.online._spool.close()
        self.online._store.close()

    def rows_1h(self, at: int) -> int:
        return self.online.lookup(EVERY_KIND, ("a",), at)["rows_1h"]


@pytest.fixture
def keeping(tmp_path: Path):
    keeping = Keeping(tmp_path)
    yield keeping
    keeping.die()


@pytest.mark.parametrize("restart", ["none", "orderly", "killed"])
def test_rows_from_clocks_ahead_of_ours_count_from_their_own_moment_on(keeping: Keeping, restart: str) -> None:
    rows = [reading("a", AT + ahead * SECOND) for ahead in (-5, 10, 20, 30, 60)]
    assert keeping.online.ingest("Reading", rows, now=AT) == 5
    if restart != "none":
        keeping.online.close() if restart == "orderly" else keeping.die()
        keeping.open()
    assert [keeping.rows_1h(AT + after * SECOND) for after in (1, 10, 11, 21, 30, 31, 61)] == [1, 1, 2, 3, 3, 4, 5]
    assert keeping.online.freshness() == {"Reading": AT + 60 * SECOND}


def test_what_waits_moves_no_watermark(keeping: Keeping) -> None:
    keeping.online.ingest("Reading", [reading("a", AT), reading("a", AT + 59 * SECOND)], now=AT)
    assert keeping.online.freshness_of(EVERY_KIND) == Fresh(AT, AT)
    assert keeping.online.freshness() == {"Reading": AT}
    with pytest.raises(BadEvents, match="is stamped"):
        keeping.online.ingest("Reading", [reading("a", AT + 61 * SECOND)], now=AT)
    keeping.online.ingest("Reading", [reading("b", AT + MINUTE)], now=AT + MINUTE)
    assert keeping.online.freshness_of(EVERY_KIND) == Fresh(AT + MINUTE, AT + MINUTE)


def test_a_view_filled_while_rows_wait_has_each_of_them_once(keeping: Keeping) -> None:
    online = keeping.online
    online.ingest("Reading", [reading("a", AT), reading("a", AT + 30 * SECOND), reading("a", AT + 50 * SECOND)], now=AT)
    online.lookup(EVERY_KIND, ("a",), AT + 40 * SECOND)
    online.add_views([SHORT])
    online.backfill({"Reading": table([reading("a", AT - MINUTE)])})
    for again in (online, keeping.again(EVERY_KIND, SHORT)):
        assert again.lookup(SHORT, ("a",), AT + 45 * SECOND)["rows_1h"] == 3
    assert again.lookup(SHORT, ("a",), AT + MINUTE)["rows_1h"] == 4


def test_a_reading_says_how_fresh_it_is(keeping: Keeping) -> None:
    online = keeping.online
    nothing = online.read(EVERY_KIND, ("a",), AT)
    assert (nothing.values["rows_1h"], nothing.event_time, nothing.fresh) == (0, None, None)
    online.ingest("Reading", [reading("a", AT, late=MINUTE), reading("b", AT + HOUR)])
    for again in (online, keeping.again()):
        found = again.read(EVERY_KIND, ("a",), AT + HOUR)
        assert found.values == again.lookup(EVERY_KIND, ("a",), AT + HOUR)
        assert (found.event_time, found.fresh) == (AT, Fresh(AT + HOUR, AT + HOUR))
        assert again.read(EVERY_KIND, (None,), AT).event_time is None


def test_a_store_that_came_back_older_than_its_spool_begins_anew(keeping: Keeping, caplog) -> None:
    """As from a backup: between what it has and what the spool still has, events are missing."""
    keeping.online.ingest("Reading", [reading("a", AT)])
    keeping.online.close()
    shutil.copytree(keeping.folder / "store", keeping.folder / "backup")
    keeping.open().ingest("Reading", [reading("a", AT + 1)])
    keeping.again().ingest("Reading", [reading("a", AT + 2)])
    keeping.online.close()
    shutil.rmtree(keeping.folder / "store")
    (keeping.folder / "backup").rename(keeping.folder / "store")
    for segment in sorted((keeping.folder / "spool").glob("*.spool"))[:2]:
        segment.unlink()
    online = keeping.open()
    assert "older than its spool: events 1 to 1 are missing" in caplog.text
    assert online.waiting() == ["Reading"], "it must not answer as if nothing were missing"
    online.backfill({"Reading": table([reading("a", AT), reading("a", AT + 1)])})
    assert keeping.rows_1h(AT + 3) == 3


def test_a_spool_that_is_gone_leaves_what_was_written_to_the_store(keeping: Keeping, caplog) -> None:
    keeping.online.ingest("Reading", [reading("a", AT)], stream="s", position=0)
    keeping.online.ingest("Reading", [reading("a", AT + 1)], stream="s", position=1)
    keeping.online.close()
    shutil.rmtree(keeping.folder / "spool")
    online = keeping.open()
    assert "filled from another spool" in caplog.text
    assert online.positions() == {"s": 2}
    online.ingest("Reading", [reading("a", AT + 2)], stream="s", position=2)
    keeping.die()
    keeping.open()
    assert keeping.rows_1h(AT + 3) == 3, "also what came after, though its numbers begin anew"


def test_two_keepers_of_one_redis_the_older_is_told_and_acknowledges_nothing(tmp_path: Path, redis_server) -> None:
    url = f"{redis_server.url}?prefix=keepers:"
    first = OnlineFeatures([EVERY_KIND], RedisOnlineStore(url), tmp_path / "first")
    first.ingest("Reading", [reading("a", AT)])
    first.checkpoint()
    second = OnlineFeatures([EVERY_KIND], RedisOnlineStore(url), tmp_path / "second")
    second.ingest("Reading", [reading("a", AT + 1)])
    second.checkpoint()
    with pytest.raises(Conflict, match="another process writes"):
        first.checkpoint()
    assert second.lookup(EVERY_KIND, ("a",), AT + 2)["rows_1h"] == 2
    second.close()
    third = OnlineFeatures([EVERY_KIND], RedisOnlineStore(url), tmp_path / "second")
    assert third.lookup(EVERY_KIND, ("a",), AT + 2)["rows_1h"] == 2
    third.close()


def test_a_memory_store_begins_anew_beside_its_spool(tmp_path: Path) -> None:
    first = OnlineFeatures([EVERY_KIND], MemoryOnlineStore(), tmp_path)
    first.ingest("Reading", [reading("a", AT)])
    first.close()
    again = OnlineFeatures([EVERY_KIND], MemoryOnlineStore(), tmp_path)
    assert again.lookup(EVERY_KIND, ("a",), AT + 1)["rows_1h"] == 1
    again.close()


def test_others_read_what_the_keeper_wrote_last(tmp_path: Path, redis_server) -> None:
    url = f"{redis_server.url}?prefix=shared:"
    keeper = OnlineFeatures([EVERY_KIND], RedisOnlineStore(url), tmp_path, checkpoint_rows=1)
    reader = FeatureReader([EVERY_KIND], RedisOnlineStore(url))
    with pytest.raises(NotFound, match="Sensor"):
        reader.lookup(EVERY_KIND, ("a",), AT)
    keeper.backfill({"Reading": table([reading("a", AT)])})
    for number in range(1, 4):
        keeper.ingest("Reading", [reading("a", AT + number), reading("b", AT + number)])
        reader.refresh()
        asked = [("a",), ("nobody",), (None,), ("b",), ("a",)]
        assert reader.read_many(EVERY_KIND, asked, AT + 9) == keeper.read_many(EVERY_KIND, asked, AT + 9)
        assert reader.lookup(EVERY_KIND, ("a",), AT + 9)["rows_1h"] == number + 1
    reader.close()
    keeper.close()


def test_a_redis_that_goes_away_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Rows of a hundred entities, none of them in memory, so that taking them in has to read; and back it comes."""
    view = replace(EVERY_KIND, features=EVERY_KIND.features[:2])
    rows = [reading(f"s{number % 100}", AT + number * SECOND) for number in range(1500)]
    with RedisServer() as server:
        online = OnlineFeatures([view], RedisOnlineStore(server.url), tmp_path, checkpoint_rows=100)
        acknowledged = refused = 0
        for start in range(0, len(rows), 50):
            if start % 250 == 200:
                (server.stop if start % 500 == 200 else server.kill)()
            for states in online._views:
                states.forget()
            try:
                acknowledged += online.ingest("Reading", rows[start : start + 50], stream="s", position=acknowledged)
            except Unavailable:
                refused += 1
            if start % 250 == 200:
                with pytest.raises(Unavailable, match="does not answer"):
                    online.lookup(view, ("s1",), AT + DAY)
                server.start()
                acknowledged += online.ingest(
                    "Reading", rows[acknowledged : start + 50], stream="s", position=acknowledged
                )
        assert acknowledged == len(rows)
        found = online.read_many(view, [(f"s{number}",) for number in range(100)], AT + HOUR - SECOND)
        assert [one.values["rows_1h"] for one in found] == [15] * 100
        online.close()
        again = OnlineFeatures([view], RedisOnlineStore(server.url), tmp_path)
        assert again.lookup(view, ("s7",), AT + HOUR - SECOND)["rows_1h"] == 15
        again.close()


def test_one_that_was_fenced_off_takes_nothing_more(tmp_path: Path, redis_server) -> None:
    url = f"{redis_server.url}?prefix=fenced keepers:"
    first = OnlineFeatures([EVERY_KIND], RedisOnlineStore(url), tmp_path / "first", checkpoint_rows=1)
    first.ingest("Reading", [reading("a", AT)])
    second = OnlineFeatures([EVERY_KIND], RedisOnlineStore(url), tmp_path / "second", checkpoint_rows=1)
    second.ingest("Reading", [reading("a", AT + 1)])
    for _ in range(2):
        with pytest.raises(Conflict, match="another process writes"):
            first.ingest("Reading", [reading("a", AT + 2)])
    assert second.lookup(EVERY_KIND, ("a",), AT + 3)["rows_1h"] == 2
    second.close()
