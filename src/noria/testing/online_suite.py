"""What every online store must do: subclass `OnlineSuite` and give it the fixture `store`."""

from __future__ import annotations

import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.stores.online import OnlineStore

_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
keys = st.binary(min_size=1, max_size=6) | st.binary(min_size=500, max_size=511)
steps = st.lists(
    st.tuples(st.just("put"), st.dictionaries(keys, st.none() | st.binary(max_size=20), max_size=5))
    | st.tuples(st.just("clear"), st.binary(max_size=2)),
    max_size=12,
)


class OnlineSuite:
    """A subclass gives the fixture `store`: an open, empty store."""

    def test_values_come_back_in_the_order_asked(self, store: OnlineStore) -> None:
        store.put_many({b"a": b"1", b"b": b"", b"c": b"3" * 100_000})
        assert store.get_many([b"c", b"nobody", b"b", b"a", b"a"]) == [b"3" * 100_000, None, b"", b"1", b"1"]
        assert store.get_many([]) == []

    def test_keys_come_in_byte_order_by_prefix(self, store: OnlineStore) -> None:
        store.put_many(dict.fromkeys((b"b/2", b"b/10", b"a", b"b", b"b0", b"c", b"b/\xff"), b""))
        assert list(store.keys(b"b/")) == [b"b/10", b"b/2", b"b/\xff"]
        assert list(store.keys(b"")) == [b"a", b"b", b"b/10", b"b/2", b"b/\xff", b"b0", b"c"]
        assert list(store.keys(b"d")) == []

    def test_clearing_takes_what_begins_so_and_nothing_else(self, store: OnlineStore) -> None:
        store.put_many({b"a/1": b"", b"a/2": b"", b"ab": b"", b"b": b""})
        store.clear(b"a/")
        store.clear(b"nobody")
        assert list(store.keys(b"")) == [b"ab", b"b"]
        store.sync()

    def test_none_removes_a_key_in_the_same_write(self, store: OnlineStore) -> None:
        store.put_many({b"a": b"1", b"b": b"1"})
        store.put_many({b"a": None, b"b": b"2", b"nobody": None})
        assert store.get_many([b"a", b"b", b"nobody"]) == [None, b"2", None]
        assert list(store.keys(b"")) == [b"b"]

    @settings(deadline=None, max_examples=40, suppress_health_check=_SHARED)
    @given(steps)
    def test_it_is_a_dictionary(self, store: OnlineStore, steps: list[tuple[str, object]]) -> None:
        store.clear(b"")
        plain: dict[bytes, bytes] = {}
        for _, what in steps:
            if isinstance(what, dict):
                store.put_many(what)
                plain = {key: value for key, value in (plain | what).items() if value is not None}
            elif isinstance(what, bytes):
                store.clear(what)
                plain = {key: value for key, value in plain.items() if not key.startswith(what)}
        assert list(store.keys(b"")) == sorted(plain)
        assert store.get_many(sorted(plain)) == [plain[key] for key in sorted(plain)]

    def test_readers_never_see_half_a_write(self, store: OnlineStore) -> None:
        names = [b"%d" % number for number in range(20)]
        store.put_many(dict.fromkeys(names, b"0"))
        seen: list[set[bytes | None]] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                seen.append(set(store.get_many(names)))

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(200):
            store.put_many(dict.fromkeys(names, b"%d" % number))
        done.set()
        reader.join()
        assert seen
        assert all(len(values) == 1 for values in seen)

    def test_a_key_of_511_bytes_is_kept(self, store: OnlineStore) -> None:
        store.put_many({b"k" * 511: b"v"})
        assert store.get_many([b"k" * 511]) == [b"v"]
        assert list(store.keys(b"k")) == [b"k" * 511]
