"""The states of one view: loaded from the online store when asked for, changed in memory, written back together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from noria.core.clock import Micros
from noria.features.entity_state import Keeper, State
from noria.features.ledger import NEVER, Fresh, Kept
from noria.features.model import ViewSpec
from noria.stores.online import OnlineStore

_FORM = 2
"""Raised whenever states are stored otherwise; older ones are then not found."""
_LONGEST_KEY = 300
_CACHED = 200_000


class Reading(msgspec.Struct, frozen=True):
    """What is known of one entity: its features, when the newest row they come from happened, and how fresh
    its view is."""

    values: dict[str, Any]
    event_time: Micros | None
    fresh: Fresh | None


class ViewStates:
    """The states of `view`, whose digest is `name`, in `store`; `kept` is the account of what they contain.

    `history`: what was known by then has been filled in from history; None when that is still to come.
    `fresh`: the newest row of any entity.
    """

    def __init__(self, view: ViewSpec, name: str, store: OnlineStore, kept: Kept | None) -> None:
        self.view, self.name = view, name
        self.history, self.fresh = (kept.history, kept.fresh) if kept else (None, None)
        self._keeper = Keeper(view)
        self._store = store
        self._prefix = f"{_FORM}/{name}/".encode()
        self._states: dict[Any, State] = {}
        self._changed: dict[Any, State] = {}

    def take_in(self, rows: Iterable[tuple[Mapping[str, Any], Micros]]) -> None:
        """Take in rows, each with the moment it became known; those known by the end of history are in already."""
        entity_column, event_time, add = self.view.entity, self.view.event_time, self._keeper.add
        states, changed = self._states, self._changed
        history = NEVER if self.history is None else self.history
        newest, learnt = self.fresh.event_time if self.fresh else NEVER, None
        for row, known in rows:
            entity, at = row[entity_column], row[event_time]
            if entity is None or at is None or known <= history:
                continue
            state = states.get(entity) or self._load(entity) or self._keeper.new()
            add(state, row, at, known)
            states[entity] = changed[entity] = state
            if at > newest:
                newest, learnt = at, known
        if learnt is not None:
            self.fresh = Fresh(newest, learnt)

    def answer(self, entity: Any, at: Micros) -> dict[str, Any]:
        """Every feature of an entity at `at`; of null as of one that nothing is known about."""
        state = None if entity is None else self._states.get(entity) or self._recall(entity)
        return self._keeper.answer(state, at)

    def reading(self, entity: Any, at: Micros) -> Reading:
        """The same, and how fresh it is."""
        state = None if entity is None else self._states.get(entity) or self._recall(entity)
        event_time = None if state is None else self._keeper.event_time(state)
        return Reading(self._keeper.answer(state, at), event_time, self.fresh)

    def changes(self) -> dict[bytes, bytes]:
        """Every state that changed since it was written last, as it is stored."""
        encode = self._keeper.encode
        return {self._key(entity): encode(state) for entity, state in self._changed.items()}

    def written(self) -> None:
        """The changes are in the store now."""
        self._changed.clear()
        if len(self._states) > _CACHED:
            self._states.clear()

    def clear(self) -> None:
        """Forget every state, also those in the store."""
        self._states.clear()
        self._changed.clear()
        self.fresh = None
        self._store.clear(self._prefix)

    def _recall(self, entity: Any) -> State | None:
        state = self._load(entity)
        if state is not None:
            if len(self._states) > _CACHED:
                self._states = dict(self._changed)
            self._states[entity] = state
        return state

    def _load(self, entity: Any) -> State | None:
        (stored,) = self._store.get_many([self._key(entity)])
        return None if stored is None else self._keeper.decode(stored)

    def _key(self, entity: Any) -> bytes:
        if isinstance(entity, float):
            entity += 0.0  # minus zero is zero
        encoded = msgspec.msgpack.encode(entity)
        if len(encoded) > _LONGEST_KEY:
            encoded = b"\xc1" + hashlib.sha256(encoded).digest()  # stores limit keys; no MessagePack begins so
        return self._prefix + encoded
