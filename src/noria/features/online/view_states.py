"""The states of one view: loaded from the online store when asked for, changed in memory, written back together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from noria.core.clock import Micros
from noria.features.aggregates.partial import Told
from noria.features.model import FOREVER, ViewSpec
from noria.features.online.entity_state import Keeper, State
from noria.features.online.event_pages import EventPages
from noria.features.online.joins import Joiner
from noria.features.online.ledger import NEVER, Fresh, Kept
from noria.features.online.packing import packed, unpacked
from noria.features.online.tiles import plain
from noria.features.windows import lookback, span_of
from noria.stores.online import OnlineStore

_FORM = 3
"""Raised whenever states are stored otherwise; older ones are then not found."""
_LONGEST_KEY = 300
_CACHED = 200_000

Entity = tuple[Any, ...]


class Reading(msgspec.Struct, frozen=True):
    """What is known of one entity: its features, when its newest row happened, and how fresh its view is."""

    values: dict[str, Any]
    event_time: Micros | None
    fresh: Fresh | None


def prefix_of(name: str) -> bytes:
    """How the keys of a view begin, of which this is the digest."""
    return f"{_FORM}/{name}/".encode()


class ViewStates:
    """The states of `view`, whose digest is `name`, in `store`; `kept` is the account of what they contain.

    `history`: what was known by then has been filled in from history; None when that is still to come.
    `fresh`: the newest row of any entity. `joiner` adds the columns of other sources to rows. `past`: for how
    many newer rows of an entity its former newest values are remembered.
    """

    def __init__(
        self, view: ViewSpec, name: str, store: OnlineStore, kept: Kept | None, *,
        joiner: Joiner | None = None, past: int = 0,
    ) -> None:  # fmt: skip
        self.view, self.name = view, name
        self.history, self.fresh = (kept.history, kept.fresh) if kept else (None, None)
        self._joiner = joiner
        self._keeper = Keeper(view, rebuilt=view.retraction is not None, past=past)
        self._store = store
        self._prefix = prefix_of(name)
        self._pages = _pages_of(view, store, self._prefix)
        self._reach = _reach(view)
        self._states: dict[Entity, State] = {}
        self._changed: dict[Entity, State] = {}

    def take_in(self, rows: Iterable[tuple[Mapping[str, Any], Micros]], joiner: Joiner | None = None) -> None:
        """Take in rows, each with the moment it became known; those known by the end of history are in already.

        `joiner` stands in for the view's own.
        """
        history = NEVER if self.history is None else self.history
        newest, learnt = self.fresh.event_time if self.fresh else NEVER, None
        join, key = joiner or self._joiner, self.view.key
        wanted = list(self._wanted(rows, history))
        self._fetch([(entity, at) for entity, at, _, _ in wanted])
        for entity, at, known, row in wanted:
            full = join.joined(row, known) if join is not None else row
            self._take(entity, Told(at, known, row[key] if key else None, full))
            if at > newest:
                newest, learnt = at, known
        if learnt is not None:
            self.fresh = Fresh(newest, learnt)

    def answer(self, entity: Entity, at: Micros) -> dict[str, Any]:
        """Every feature of an entity at `at`; with a null in it as of one that nothing is known about."""
        state = None if None in entity else self._states.get(entity) or self._recall(entity)
        return self._keeper.answer(state, at)

    def reading(self, entity: Entity, at: Micros) -> Reading:
        """The same, and how fresh it is."""
        state = None if None in entity else self._states.get(entity) or self._recall(entity)
        return Reading(self._keeper.answer(state, at), state.newest if state else None, self.fresh)

    def fetch(self, entities: Sequence[Entity]) -> None:
        """Load the states of entities that are asked for next, in one go."""
        wanted = [one for one in dict.fromkeys(entities) if one not in self._states and None not in one]
        if not wanted:
            return
        for entity, stored in zip(wanted, self._store.get_many([self._key(one) for one in wanted]), strict=True):
            if stored is not None:
                self._states[entity] = _decode(stored)

    def forget(self) -> None:
        """Forget the states that are in the store, so that they are read from there when they are asked for again."""
        self._states = dict(self._changed)

    def changes(self) -> dict[bytes, bytes | None]:
        """Every state that changed since it was written last, as it is stored."""
        entries: dict[bytes, bytes | None] = {
            self._key(entity): _encode(state) for entity, state in self._changed.items()
        }
        if self._pages is not None:
            entries |= self._pages.changes()
        return entries

    def written(self) -> None:
        """The changes are in the store now."""
        self._changed.clear()
        if len(self._states) > _CACHED:
            self._states.clear()
        if self._pages is not None:
            self._pages.written()

    def clear(self) -> None:
        """Forget every state, also those in the store."""
        self._states.clear()
        self._changed.clear()
        if self._pages is not None:
            self._pages.clear()
        self.fresh = None
        self._store.clear(self._prefix)

    def _wanted(
        self, rows: Iterable[tuple[Mapping[str, Any], Micros]], history: Micros
    ) -> Iterator[tuple[Entity, Micros, Micros, Mapping[str, Any]]]:
        """Rows of this view that are not in yet: whose, when they happened and became known, and the row."""
        columns, event_time = self.view.entities, self.view.event_time
        for row, known in rows:
            entity, at = tuple([row[column] for column in columns]), row[event_time]
            if None not in entity and at is not None and known > history:
                yield entity, at, known, row

    def _fetch(self, wanted: Sequence[tuple[Entity, Micros]]) -> None:
        """Load what rows of entities will change, in one go, before anything is changed."""
        self.fetch([entity for entity, _ in wanted])
        if self._pages is not None:
            self._pages.fetch([(self._encoded(entity), at) for entity, at in wanted])

    def _take(self, entity: Entity, told: Told) -> None:
        state = self._states.get(entity) or self._keeper.new()
        if self._pages is None:
            self._keeper.add(state, told)
        elif not self._paged(self._pages, entity, state, told):
            return
        self._states[entity] = self._changed[entity] = state

    def _paged(self, pages: EventPages, entity: Entity, state: State, told: Told) -> bool:
        """Take in a row of a view whose rows have keys; whether the state has changed."""
        place, retraction = self._encoded(entity), self.view.retraction
        late = state.newest is not None and told.at < state.newest - self._reach
        if retraction is not None and taken_back(told.row[retraction]):
            if late or told.key is None or not pages.take_back(place, told.at, told.key):
                return False
            rows, back = partial(pages.rows, place), partial(pages.back, place)
            self._keeper.take_back(state, told.at, rows, back)
            return True
        if late:  # no window reaches so far back, and no newest value of rows that can be taken back
            if retraction is None:
                self._keeper.add(state, told)
            return retraction is None
        if told.key is not None and pages.knows(place, told.at, told.key):
            return False
        if told.key is not None or retraction is not None:
            pages.keep(place, told)
        before = state.newest
        self._keeper.add(state, told)
        if state.newest != before and state.newest is not None:
            pages.forget(place, state.newest - self._reach)
        return True

    def _recall(self, entity: Entity) -> State | None:
        state = self._load(entity)
        if state is not None:
            if len(self._states) > _CACHED:
                self.forget()
            self._states[entity] = state
        return state

    def _load(self, entity: Entity) -> State | None:
        (stored,) = self._store.get_many([self._key(entity)])
        return None if stored is None else _decode(stored)

    def _key(self, entity: Entity) -> bytes:
        return self._prefix + b"s" + self._encoded(entity)

    @staticmethod
    def _encoded(entity: Entity) -> bytes:
        """An entity as bytes that no other one has; minus zero is zero."""
        encoded = msgspec.msgpack.encode([one + 0.0 if isinstance(one, float) else one for one in entity])
        if len(encoded) > _LONGEST_KEY:
            return b"\xc1" + hashlib.sha256(encoded).digest()  # stores limit keys; no MessagePack begins so
        return encoded


def taken_back(value: Any) -> bool:
    """Whether the value of a `retraction` column says that the row takes its event back."""
    return value is not None and (value is True or value < 0)


def _pages_of(view: ViewSpec, store: OnlineStore, prefix: bytes) -> EventPages | None:
    """Where the events of a view are kept: all of them when they can be taken back, keys when they have some.

    Newest values alone tell copies by themselves.
    """
    if view.retraction is not None:
        used = {column for feature in view.features for column in _columns(feature)}
        return EventPages(store, prefix, tuple(sorted(used)))
    guarded = any(feature.windowed or feature.where for feature in view.features)
    return EventPages(store, prefix, ()) if view.key is not None and guarded else None


def _columns(feature: Any) -> Iterable[str]:
    if feature.column:
        yield feature.column
    for predicate in (*feature.where, *([feature.predicate] if feature.predicate else [])):
        yield predicate.column


def _reach(view: ViewSpec) -> Micros:
    """How long before an entity's newest row the events of a view are kept."""
    if view.retraction is not None:
        return lookback([view])
    ttls = [FOREVER if one.ttl is None else one.ttl for one in view.features if not one.windowed and one.where]
    return max([*(span_of(one).reach for one in view.features if one.windowed), *ttls], default=0)


def _encode(state: State) -> bytes:
    return packed(
        [state.newest, state.pending, [plain(groups) for groups in state.tiles], state.instants, state.latest]
    )


def _decode(stored: bytes) -> State:
    state = State(0, 0)
    state.newest, state.pending, state.tiles, state.instants, state.latest = unpacked(stored)
    return state
