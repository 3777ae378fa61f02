"""Which ids are in the log, and where: exact membership is not needed, so 16 bytes an id are enough.

The newest entries are in a dictionary; older ones in two sorted arrays (hash, position), which are merged when
the dictionary has grown large. Ten million ids take 160 MB and a look-up of an old one some microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


class HashIndex:
    """64-bit hashes with the position in the log that each belongs to. The newest position of a hash wins."""

    def __init__(self, recent: int = 100_000) -> None:
        self._limit = recent
        self._recent: dict[int, int] = {}
        self._hashes: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self._positions: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._recent) + len(self._hashes)

    def __contains__(self, hashed: int) -> bool:
        return self.position(hashed) is not None

    def position(self, hashed: int) -> int | None:
        """The position of a hash, or None."""
        found = self._recent.get(hashed)
        if found is not None or not len(self._hashes):
            return found
        at = int(np.searchsorted(self._hashes, np.uint64(hashed)))
        if at < len(self._hashes) and int(self._hashes[at]) == hashed:
            return int(self._positions[at])
        return None

    def add(self, hashed: int, position: int) -> None:
        """Remember a hash."""
        self._recent[hashed] = position
        if len(self._recent) > self._limit:
            self.add_many(self._recent.items())
            self._recent = {}

    def add_many(self, items: Iterable[tuple[int, int]]) -> None:
        """Remember pairs of hash and position, in any order."""
        pairs = list(items)
        hashes = np.fromiter((pair[0] for pair in pairs), np.uint64, len(pairs))
        self.add_arrays(hashes, np.fromiter((pair[1] for pair in pairs), np.int64, len(pairs)))

    def add_arrays(self, hashes: npt.NDArray[np.uint64], positions: npt.NDArray[np.int64]) -> None:
        """Remember two arrays of equal length."""
        order = np.argsort(hashes)
        places = np.searchsorted(self._hashes, hashes[order])  # left of its equals: the newest is found first
        self._hashes = np.insert(self._hashes, places, hashes[order])
        self._positions = np.insert(self._positions, places, positions[order])
