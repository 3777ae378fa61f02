"""Tiles: partials of an entity's rows by time, in two steps of width, so that a long window is a few merges.

A tile is as wide as a window's hop; a group is some tiles side by side and their sum. A window takes the sums of
the groups that lie within it, and single tiles of those that it cuts. A group's tiles stay packed until one of
them is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from noria.core.clock import Micros
from noria.features.model import FOREVER
from noria.features.online.packing import packed, unpacked
from noria.features.windows import floor

Partial = list[Any]
Groups = dict[Micros, list[Any]]
"""By its start each group: [sum, tiles by their start, or those as bytes]."""
_TILES, _GROUPS = 24, 16
"""How many tiles a group has at least, and how many groups about a window has at most."""


class Tier:
    """The tiles of one width that windows with one offset share; `reach` is the length of the longest.

    `place` is where a state keeps them; `merge` merges a second partial into a first one.
    """

    def __init__(
        self, place: int, hop: Micros, offset: Micros, reach: Micros, merge: Callable[[Partial, Partial], None]
    ) -> None:
        self.place, self.hop, self.offset, self.reach = place, hop, offset, reach
        self._merge = merge
        many = 1 if hop >= FOREVER else _TILES if reach >= FOREVER else max(_TILES, -(-reach // (hop * _GROUPS)))
        self._width = hop * many

    def put(self, groups: Groups, at: Micros, partial: Partial, newest: Micros) -> None:
        """Merge a partial into its tile, and drop groups that no question after `newest` can reach."""
        start = at - at % self._width
        group = groups.get(start)
        if group is None:
            oldest = self._oldest(newest)
            if start + self._width > oldest:  # else too late for any question that can still be asked
                groups[start] = [copied(partial), {at - at % self.hop: copied(partial)}]
                while (first := next(iter(groups))) + self._width <= oldest:
                    del groups[first]
            return
        self._merge(group[0], partial)
        merge_at(self._merge, _tiles(group), at - at % self.hop, partial)

    def pieces(self, groups: Groups, start: Micros, end: Micros) -> list[Partial]:
        """The partials of everything from `start` to before `end`, both of them bounds of tiles."""
        found: list[Partial] = []
        for first, group in groups.items():
            last = first + self._width
            if start <= first and last <= end:
                found.append(group[0])
            elif start < last and first < end:
                found += [piece for tile, piece in _tiles(group).items() if start <= tile < end]
        return found

    def replace(self, groups: Groups, tile: Micros, whole: Partial | None) -> None:
        """Put another partial in the place of a tile that is held; None when nothing is left of it."""
        start = tile - tile % self._width
        tiles = _tiles(groups[start]) if start in groups else {}
        if tile not in tiles:
            return
        if whole is None:
            del tiles[tile]
        else:
            tiles[tile] = whole
        if not tiles:
            del groups[start]
            return
        first, *others = tiles.values()
        total = copied(first)
        for other in others:
            self._merge(total, other)
        groups[start] = [total, tiles]

    def _oldest(self, newest: Micros) -> Micros:
        """The first tile that a question not before `newest` can still ask for."""
        return -2 * FOREVER if self.reach >= FOREVER else floor(newest - self.offset - self.reach, self.hop)


def plain(groups: Groups) -> dict[Micros, list[Any]]:
    """Groups as they are stored."""
    return {
        start: [total, tiles if tiles.__class__ is bytes else packed(tiles)] for start, (total, tiles) in groups.items()
    }


def merge_at(
    merge: Callable[[Partial, Partial], None], tiles: dict[Micros, Partial], at: Micros, partial: Partial
) -> None:
    """Merge a partial into that of `at`."""
    found = tiles.get(at)
    if found is None:
        tiles[at] = copied(partial)
    else:
        merge(found, partial)


def copied(partial: Partial) -> Partial:
    """A partial of one's own: merging changes lists and dictionaries in place, and nothing inside them."""
    return [one.copy() if one.__class__ is list or one.__class__ is dict else one for one in partial]


def _tiles(group: list[Any]) -> dict[Micros, Partial]:
    tiles = group[1]
    if tiles.__class__ is bytes:
        tiles = group[1] = unpacked(tiles)
    found: dict[Micros, Partial] = tiles
    return found
