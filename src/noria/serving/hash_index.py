"""Which ids are in the log, and where: exact membership is not needed, so 16 bytes an id are enough.

The newest entries are in a dictionary; older ones in sorted arrays (hash, position), each at least twice as long as
the next, so that adding one more seldom moves many. Ten million ids take 160 MB and a look-up of an old one some
microseconds for each of at most ten arrays.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]


class HashIndex:
    """64-bit hashes with the position in the log that each belongs to. The newest position of a hash wins."""

    def __init__(self, recent: int = 16_384) -> None:
        self._limit = recent
        self._recent: dict[int, int] = {}
        self._levels: list[tuple[Hashes, Positions]] = []
        """Oldest and longest first."""

    def __len__(self) -> int:
        return len(self._recent) + sum(len(hashes) for hashes, _ in self._levels)

    def __contains__(self, hashed: int) -> bool:
        return self.position(hashed) is not None

    def position(self, hashed: int) -> int | None:
        """The position of a hash, or None."""
        found = self._recent.get(hashed)
        if found is not None or not self._levels:
            return found
        wanted = np.uint64(hashed)
        for hashes, positions in reversed(self._levels):
            at = int(hashes.searchsorted(wanted))
            if at < len(hashes) and hashes[at] == wanted:
                return int(positions[at])
        return None

    def add(self, hashed: int, position: int) -> None:
        """Remember a hash."""
        self._recent[hashed] = position
        if len(self._recent) >= self._limit:
            self._put_away()

    def add_many(self, items: Iterable[tuple[int, int]]) -> None:
        """Remember pairs of hash and position, in any order."""
        self._recent.update(items)
        if len(self._recent) >= self._limit:
            self._put_away()

    def add_arrays(self, hashes: Hashes, positions: Positions) -> None:
        """Remember two arrays of equal length."""
        order = np.argsort(hashes, kind="stable")
        self._levels.append((hashes[order], positions[order]))
        while len(self._levels) > 1 and len(self._levels[-2][0]) < 2 * len(self._levels[-1][0]):
            newer, older = self._levels.pop(), self._levels.pop()
            self._levels.append(_merged(newer, older))

    def _put_away(self) -> None:
        count = len(self._recent)
        hashes = np.fromiter(self._recent.keys(), np.uint64, count)
        positions = np.fromiter(self._recent.values(), np.int64, count)
        self._recent = {}
        self.add_arrays(hashes, positions)


def _merged(newer: tuple[Hashes, Positions], older: tuple[Hashes, Positions]) -> tuple[Hashes, Positions]:
    """Both in one, of equal hashes the newer before the older, so that a search from the left finds it."""
    hashes = np.concatenate([newer[0], older[0]])
    order = np.argsort(hashes, kind="stable")
    return hashes[order], np.concatenate([newer[1], older[1]])[order]
