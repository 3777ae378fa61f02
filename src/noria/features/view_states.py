"""The states of one view: loaded from the online store when asked for, changed in memory, written back together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from noria.core.clock import Micros
from noria.features.entity_state import Keeper, State
from noria.features.ledger import NEVER
from noria.features.model import ViewSpec
from noria.stores.online import OnlineStore

_FORM = 2
"""Raised whenever states are stored otherwise; older ones are then not found."""
_LONGEST_KEY = 300
_CACHED = 200_000


class ViewStates:
    """The states of `view`, whose digest is `name`, in `store`.

    `history`: what was known by then has been filled in from history; None when that is still to come.
    """

    def __init__(self, view: ViewSpec, name: str, store: OnlineStore, history: Micros | None) -> None:
        self.view, self.name, self.history = view, name, history
        self._keeper = Keeper(view)
        self._store = store
        self._prefix = f"{_FORM}/{name}/".encode()
        self._states: dict[Any, State] = {}
        self._changed: dict[Any, State] = {}

    def take_in(self, rows: Iterable[tuple[Mapping[str, Any], Micros]]) -> None:
        """Take in rows, each with the moment it became known; those known by the end of history are in already."""
        columns, event_time, add = self.view.entities, self.view.event_time, self._keeper.add
        states, changed = self._states, self._changed
        history = NEVER if self.history is None else self.history
        for row, known in rows:
            entity, at = tuple([row[column] for column in columns]), row[event_time]
            if None in entity or at is None or known <= history:
                continue
            state = states.get(entity) or self._load(entity) or self._keeper.new()
            add(state, row, at, known)
            states[entity] = changed[entity] = state

    def answer(self, entity: tuple[Any, ...], at: Micros) -> dict[str, Any]:
        """Every feature of an entity at `at`; with a null in it as of one that nothing is known about."""
        state = None if None in entity else self._states.get(entity) or self._recall(entity)
        return self._keeper.answer(state, at)

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
        encoded = msgspec.msgpack.encode([one + 0.0 if isinstance(one, float) else one for one in entity])  # -0 is 0
        if len(encoded) > _LONGEST_KEY:
            encoded = b"\xc1" + hashlib.sha256(encoded).digest()  # stores limit keys; no MessagePack begins so
        return self._prefix + encoded
