"""Both online stores keep the contract; what only LMDB can go wrong with is told in words."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from noria.core.errors import BadInput, StorageFull
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_memory import MemoryOnlineStore
from noria.testing.online_suite import OnlineSuite


class TestMemory(OnlineSuite):
    @pytest.fixture
    def store(self):
        store = MemoryOnlineStore()
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
