"""What is kept online of one entity under one view: tiles, the newest instant's rows apart, the newest values.

A window ends before the moment asked about, so rows of that very moment must not count. The rows of the
newest instant are therefore kept beside the tiles and folded in only when a later row comes; a question at
exactly that instant leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noria.core.clock import Micros
from noria.features.model import ViewSpec
from noria.features.slots import empty, layout, lifter, lowerer, merger
from noria.features.windows import floor, hop_of, window_start


class State:
    """The state of one entity: `newest` instant, its `pending` partial, `tiles` by hop and start, `latest` values."""

    __slots__ = ("latest", "newest", "pending", "tiles")

    def __init__(self, stored: list[Any] | None = None) -> None:
        self.newest: Micros | None
        self.pending: list[Any] | None
        self.tiles: dict[int, dict[int, list[Any]]]
        self.latest: dict[str, list[Any]]
        self.newest, self.pending, self.tiles, self.latest = stored or (None, None, {}, {})

    def stored(self) -> list[Any]:
        """The state as plain values."""
        return [self.newest, self.pending, self.tiles, self.latest]


class Keeper:
    """Knows how one view's state takes a row in, and what it answers."""

    def __init__(self, view: ViewSpec) -> None:
        self.view = view
        self._slots = layout(view)
        self._lift, self._merge = lifter(self._slots), merger(self._slots)
        self._windowed = [
            (feature.name, feature.window, hop_of(feature.window), lowerer(feature, self._slots))
            for feature in view.features
            if feature.window is not None
        ]
        self._latest = [
            (feature.name, feature.column or "", feature.ttl) for feature in view.features if feature.ttl is not None
        ]
        self._names = [feature.name for feature in view.features]
        self._reach: dict[int, int] = {}
        for _, window, hop, _ in self._windowed:
            self._reach[hop] = max(window, self._reach.get(hop, 0))

    def add(self, state: State, row: Mapping[str, Any], at: Micros, known: Micros) -> None:
        """Take one row in."""
        for name, column, _ in self._latest:
            value = row[column]
            before = state.latest.get(name)
            if before is None or _rank(at, known, value) > _rank(*before):
                state.latest[name] = [at, known, value]
        if not self._reach:
            return
        partial = self._lift(row)
        if state.newest is None or at > state.newest:
            if state.pending is not None and state.newest is not None:
                self._fold(state, state.newest, state.pending, at)
            state.newest, state.pending = at, partial
        elif at == state.newest and state.pending is not None:
            self._merge(state.pending, partial)
        else:
            self._fold(state, at, partial, state.newest)

    def answer(self, state: State | None, at: Micros) -> dict[str, Any]:
        """Every feature of the entity at `at`, in the view's order; `at` is not before the newest row taken in."""
        answers: dict[str, Any] = dict.fromkeys(self._names)
        for name, window, hop, lower in self._windowed:
            answers[name] = lower(self._window(state, at, window, hop))
        for name, _, ttl in self._latest:
            found = state.latest.get(name) if state else None
            if found and 0 <= at - found[0] <= ttl:
                answers[name] = found[2]
        return answers

    def _window(self, state: State | None, at: Micros, window: Micros, hop: Micros) -> list[Any]:
        total = empty(self._slots)
        if state is None:
            return total
        start = window_start(at, window)
        tiles = state.tiles.get(hop, {})
        wanted = range(start, at + 1, hop)
        if len(tiles) < len(wanted):
            for tile, partial in tiles.items():
                if tile >= start:
                    self._merge(total, partial)
        else:
            for tile in wanted:
                found = tiles.get(tile)
                if found is not None:
                    self._merge(total, found)
        if state.pending is not None and state.newest is not None and start <= state.newest < at:
            self._merge(total, state.pending)
        return total

    def _fold(self, state: State, at: Micros, partial: list[Any], newest: Micros) -> None:
        """Merge a partial into its tile at every hop, and drop tiles that no window can reach again."""
        for hop, reach in self._reach.items():
            tiles = state.tiles.setdefault(hop, {})
            tile = floor(at, hop)
            found = tiles.get(tile)
            if found is not None:
                self._merge(found, partial)
                continue
            oldest = floor(newest - reach, hop)
            if tile < oldest:
                continue  # too late for any question that can still be asked
            tiles[tile] = list(partial)
            for old in [start for start in tiles if start < oldest]:
                del tiles[old]


def _rank(at: Micros, known: Micros, value: Any) -> tuple[Any, ...]:
    return at, known, value is not None, value if value is not None else 0
