"""Every online store keeps the contract; what only LMDB can go wrong with is told in words."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from noria.core.errors import BadInput, Conflict, Corrupt, StorageFull, Unavailable
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_memory import MemoryOnlineStore
from noria.stores.online_redis import RedisOnlineStore
from noria.testing.online_suite import OnlineSuite


class TestMemory(OnlineSuite):
    @pytest.fixture
    def store(self):
        store = MemoryOnlineStore()
        yield store
        store.close()


class TestRedis(OnlineSuite):
    @pytest.fixture
    def store(self, redis_server):
        store = RedisOnlineStore(redis_server.url)
        store.clear(b"")
        yield store
        store.close()


class TestLmdb(OnlineSuite):
    @pytest.fixture
    def store(self, tmp_path):
        store = LmdbOnlineStore(tmp_path, map_bytes=1 << 28)
        yield store
        store.close()


def test_a_full_store_writes_nothing_and_stays_usable(tmp_path):
    store = LmdbOnlineStore(tmp_path, map_bytes=1 << 20)
    store.put_many({b"kept": b"1"})
    with pytest.raises(StorageFull, match="online store is full"):
        store.put_many({b"%06d" % number: b"x" * 1000 for number in range(3000)})
    assert list(store.keys(b"")) == [b"kept"]
    store.put_many({b"kept": b"2"})
    assert store.get_many([b"kept"]) == [b"2"]
    store.close()


def test_a_full_disk_writes_nothing_and_the_store_stays_usable(tmp_path, small_files):
    store = LmdbOnlineStore(tmp_path)
    store.put_many({b"kept": b"1"})
    with small_files(100_000), pytest.raises(StorageFull, match="disk is full"):
        store.put_many({b"kept": b"2", b"large": b"x" * 500_000})
    assert store.get_many([b"kept", b"large"]) == [b"1", None]
    store.put_many({b"large": b"x" * 500_000})
    store.close()


def test_it_is_opened_once_in_a_process(tmp_path):
    store = LmdbOnlineStore(tmp_path)
    with pytest.raises(Conflict, match="is open in this process"):
        LmdbOnlineStore(tmp_path)
    store.close()
    LmdbOnlineStore(tmp_path).close()


def test_what_is_no_online_store_is_told(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"something else " * 1000)
    with pytest.raises(Corrupt, match="is no online store"):
        LmdbOnlineStore(tmp_path)
    with pytest.raises(Unavailable, match="cannot be made"):
        LmdbOnlineStore(tmp_path / "data.mdb")


@pytest.mark.parametrize("key", [b"", b"k" * 512])
def test_a_key_that_lmdb_cannot_hold_is_refused_whole(tmp_path, key):
    store = LmdbOnlineStore(tmp_path, map_bytes=1 << 20)
    with pytest.raises(BadInput, match="keys have 1 to 511"):
        store.put_many({b"good": b"1", key: b"2"})
    assert store.get_many([b"good", key]) == [None, None]
    store.close()


def test_what_was_written_survives_the_death_of_the_process(tmp_path):
    forever = (
        "import sys, itertools; from pathlib import Path; from noria.stores.online_lmdb import LmdbOnlineStore\n"
        "store = LmdbOnlineStore(Path(sys.argv[1]), map_bytes=1 << 28)\n"
        "for number in itertools.count():\n"
        "    store.put_many({b'a': b'%d' % number, b'b': b'%d' % number}); print(number, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", forever, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(200):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
    store = LmdbOnlineStore(tmp_path, map_bytes=1 << 28)
    first, second = store.get_many([b"a", b"b"])
    assert first == second
    assert int(first) >= acknowledged
    store.close()
