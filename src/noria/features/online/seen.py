"""The ids of events that were taken in from streams without positions, so that one that is sent again counts once.

Brokers give a message again when its acknowledgement was lost: soon, and seldom. So the newest ids of each stream
are kept, a bounded number of them, in pages; a page that is full is never written again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from noria.stores.online import OnlineStore

_PREFIX = b"noria/seen/"
_ID = 16
PAGE = 4096
"""Ids in a page: 64 KiB."""
PAGES = 32
"""Pages that are kept of a stream: its newest 127 to 131 thousand ids."""


class _Stream:
    """The pages of one stream, from the number `first` on; every one but the last is full."""

    def __init__(self) -> None:
        self.first = 0
        self.pages: list[list[bytes]] = [[]]
        self.ids: set[bytes] = set()

    def add(self, one: bytes) -> None:
        if len(self.pages[-1]) >= PAGE:
            self.pages.append([])
        self.pages[-1].append(one)
        self.ids.add(one)
        if len(self.pages) > PAGES:
            self.ids.difference_update(self.pages.pop(0))
            self.first += 1


class SeenIds:
    """The newest ids of every stream; `changes` are written together with what the events changed."""

    def __init__(self, store: OnlineStore) -> None:
        self._streams: dict[bytes, _Stream] = {}
        self._changed: set[tuple[bytes, int]] = set()
        self._gone: set[tuple[bytes, int]] = set()
        keys = list(store.keys(_PREFIX))
        for key, stored in zip(keys, store.get_many(keys), strict=True):
            self._restore(key, stored or b"")

    def new(self, stream: str, ids: Sequence[str]) -> list[bool]:
        """Which of some ids have not been taken in; of those that come twice here, the first."""
        known = self._streams.get(_digest(stream))
        here: set[bytes] = set()
        answers = []
        for one in map(_digest, ids):
            answers.append(one not in here and (known is None or one not in known.ids))
            here.add(one)
        return answers

    def add(self, stream: str, ids: Iterable[str]) -> None:
        """Remember ids that were taken in."""
        name = _digest(stream)
        for one in map(_digest, ids):
            known = self._streams.setdefault(name, _Stream())
            before = known.first
            known.add(one)
            if known.first > before:
                self._gone.add((name, before))
            self._changed.add((name, known.first + len(known.pages) - 1))

    def changes(self) -> dict[bytes, bytes | None]:
        """Every page that changed since `written`, as it is stored; None for one that is to go."""
        entries: dict[bytes, bytes | None] = {}
        for name, number in self._changed:
            known = self._streams[name]
            if number >= known.first:
                entries[_key(name, number)] = b"".join(known.pages[number - known.first])
        return entries | {_key(name, number): None for name, number in self._gone}

    def written(self) -> None:
        """The changes are in the store now."""
        self._changed.clear()
        self._gone.clear()

    def _restore(self, key: bytes, stored: bytes) -> None:
        """Pages come in the order of their numbers, as the store gives its keys."""
        name, number = key[len(_PREFIX) : -8], struct.unpack(">Q", key[-8:])[0]
        known = self._streams.get(name)
        page = [stored[at : at + _ID] for at in range(0, len(stored), _ID)]
        if known is None:
            known = self._streams[name] = _Stream()
            known.first, known.pages = number, []
        known.pages.append(page)
        known.ids.update(page)


def _key(name: bytes, number: int) -> bytes:
    return _PREFIX + name + struct.pack(">Q", number)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_ID).digest()
