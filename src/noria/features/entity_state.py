"""What is kept online of one entity under one view: tiles, the newest instant's rows apart, the newest values.

A window ends before the moment asked about, so rows of that very moment must not count. The rows of the
newest instant are therefore kept beside the tiles and folded in only when a later row comes; a question at
exactly that instant leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from noria.core.clock import Micros
from noria.features.model import ViewSpec
from noria.features.slots import layout, lifter, lowerer, merger
from noria.features.windows import floor, hop_of

_BIG = b"\x00big"
"""How a state begins that holds a sum beyond 64 bits; MessagePack ends there, JSON does not."""

Partial = list[Any]


class State:
    """The state of one entity.

    `newest`: the newest instant of any row; `pending`: the partial of its rows; `tiles`: for each hop the
    partials of older rows by the tile's start; `latest`: event time, ingestion time and values of the newest row.
    """

    __slots__ = ("latest", "newest", "pending", "tiles")

    def __init__(self, hops: int) -> None:
        self.newest: Micros | None = None
        self.pending: Partial | None = None
        self.tiles: list[dict[Micros, Partial]] = [{} for _ in range(hops)]
        self.latest: list[Any] | None = None


class Keeper:
    """Knows how one view's states take rows in, what they answer, and how they are stored."""

    def __init__(self, view: ViewSpec) -> None:
        self.view = view
        slots = layout(view)
        self._lift, self._merge = lifter(slots), merger(slots)
        windowed = [(feature, feature.window) for feature in view.features if feature.window is not None]
        reach: dict[Micros, Micros] = {}
        for _, window in windowed:
            reach[hop_of(window)] = max(window, reach.get(hop_of(window), 0))
        self._tiers = [(place, hop, longest) for place, (hop, longest) in enumerate(sorted(reach.items()))]
        places = {hop: place for place, hop, _ in self._tiers}
        self._windows = [
            (places[hop_of(window)], window, hop_of(window), [
                (feature.name, lowerer(feature, slots)) for feature, length in windowed if length == window
            ])
            for window in sorted({window for _, window in windowed})
        ]  # fmt: skip
        newest = [(one.name, one.column or "", one.ttl) for one in view.features if one.ttl is not None]
        self._columns = [column for _, column, _ in newest]
        self._ttls = [(name, ttl) for name, _, ttl in newest]
        self._nothing = {feature.name: 0 if feature.kind == "count" else None for feature in view.features}

    def new(self) -> State:
        """The state of an entity that no row has been seen of."""
        return State(len(self._tiers))

    def add(self, state: State, row: Mapping[str, Any], at: Micros, known: Micros) -> None:
        """Take one row in that happened `at` and became known at `known`, in any order."""
        if self._columns:
            self._renew(state, row, at, known)
        if not self._tiers:
            return
        newest, partial = state.newest, self._lift(row)
        if newest is None or at > newest:
            if newest is not None and state.pending is not None:
                self._fold(state, newest, state.pending, at)
            state.newest, state.pending = at, partial
        elif at == newest and state.pending is not None:
            self._merge(state.pending, partial)
        else:
            self._fold(state, at, partial, newest)

    def answer(self, state: State | None, at: Micros) -> dict[str, Any]:
        """Every feature at `at`, in the view's order. Exact when `at` is not before any row taken in."""
        answers = self._nothing.copy()
        if state is None:
            return answers
        newest, pending = state.newest, state.pending
        for place, window, hop, features in self._windows:
            start = floor(at - window, hop)
            partials = [partial for tile, partial in state.tiles[place].items() if tile >= start]
            if pending is not None and newest is not None and start <= newest < at:
                partials.append(pending)
            if partials:
                columns = list(zip(*partials, strict=True))
                for name, lower in features:
                    answers[name] = lower(columns)
        if state.latest is not None:
            since, _, values = state.latest
            for (name, ttl), value in zip(self._ttls, values, strict=True):
                if 0 <= at - since <= ttl:
                    answers[name] = value
        return answers

    def event_time(self, state: State) -> Micros | None:
        """When the newest row that the state knows of happened."""
        latest: Micros | None = state.latest[0] if state.latest is not None else None
        known = [moment for moment in (latest, state.newest) if moment is not None]
        return max(known, default=None)

    def encode(self, state: State) -> bytes:
        """The state as bytes."""
        plain = [state.newest, state.pending, state.tiles, state.latest]
        try:
            return msgspec.msgpack.encode(plain)
        except OverflowError:
            listed = [list(tiles.items()) for tiles in state.tiles]
            return _BIG + json.dumps([state.newest, state.pending, listed, state.latest]).encode()

    def decode(self, stored: bytes) -> State:
        """The state that `encode` wrote."""
        state = self.new()
        if stored.startswith(_BIG):
            state.newest, state.pending, listed, state.latest = json.loads(stored[len(_BIG) :])
            state.tiles = [dict(tiles) for tiles in listed]
        else:
            state.newest, state.pending, state.tiles, state.latest = msgspec.msgpack.decode(stored, strict=False)
        return state

    def _renew(self, state: State, row: Mapping[str, Any], at: Micros, known: Micros) -> None:
        values = [row[column] for column in self._columns]
        latest = state.latest
        if latest is None or at > latest[0] or (at == latest[0] and known > latest[1]):
            state.latest = [at, known, values]
        elif at == latest[0] and known == latest[1]:
            latest[2] = [_larger(one, other) for one, other in zip(latest[2], values, strict=True)]

    def _fold(self, state: State, at: Micros, partial: Partial, newest: Micros) -> None:
        """Merge a partial into its tile at every hop, and drop tiles that no window can reach again."""
        for place, hop, reach in self._tiers:
            tiles = state.tiles[place]
            tile = at - at % hop
            found = tiles.get(tile)
            if found is not None:
                self._merge(found, partial)
                continue
            oldest = floor(newest - reach, hop)
            if tile >= oldest:  # else too late for any question that can still be asked
                tiles[tile] = partial.copy()
                for old in [start for start in tiles if start < oldest]:
                    del tiles[old]


def _larger(one: Any, other: Any) -> Any:
    """The larger of two values of rows that happened and became known together; null is the smallest."""
    return other if one is None else one if other is None else max(one, other)
