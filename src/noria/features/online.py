"""The online store of features: every view's state by entity, kept by events as they come.

An event is written to a spool before it is taken in, so an acknowledged event survives the death of the
process; every so often the changed states and the spool's position are written to the store in one go. On
start the states are loaded as they are asked for and the spool after that position is taken in again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from noria.core.clock import Micros
from noria.core.digest import digest, digest_bytes
from noria.core.errors import Fault, FaultyInput, NotFound
from noria.core.schema import Column
from noria.data.model import INGESTED_AT
from noria.features.entity_state import Keeper, State
from noria.features.events import RowReader, ingested, shown
from noria.features.model import ViewSpec
from noria.features.windows import lookback
from noria.stores.online import OnlineStore
from noria.stores.spool import Spool, drop_segment, read_spool, sealed_segments

_META = b"noria/meta"
_CHECKPOINT = 20_000
_CACHED = 200_000
_LONGEST_KEY = 400


class BadEvents(FaultyInput):
    """Source events that do not fit their source; none of them was taken in."""

    code = "N3101"


class _Meta(msgspec.Struct):
    spool: int = -1
    streams: dict[str, int] = msgspec.field(default_factory=dict)
    newest: dict[str, Micros] = msgspec.field(default_factory=dict)
    filled: list[str] = msgspec.field(default_factory=list)


class OnlineFeatures:
    """The features of `views`, kept in `store`, with acknowledged events in `spool`."""

    def __init__(self, views: Sequence[ViewSpec], store: OnlineStore, spool: Path) -> None:
        self._store = store
        self._keepers: dict[str, tuple[bytes, Keeper]] = {}
        self._by_source: dict[str, list[tuple[bytes, Keeper]]] = {}
        self._readers: dict[str, RowReader] = {}
        self._columns: dict[str, dict[str, Column]] = {}
        self._states: dict[bytes, State] = {}
        self._dirty: set[bytes] = set()
        self._since = 0
        (stored,) = store.get_many([_META])
        self._meta = msgspec.msgpack.decode(stored, type=_Meta) if stored else _Meta()
        self._spool_path = spool
        self.add_views(views)
        self._spool = Spool(spool)
        self._recover()

    def add_views(self, views: Sequence[ViewSpec]) -> None:
        """Keep these views too, from the next event on. One that is kept already changes nothing."""
        for view in views:
            name = digest(view)
            if name in self._keepers:
                continue
            entry = (f"{name[:16]}/".encode(), Keeper(view))
            self._keepers[name] = entry
            self._by_source.setdefault(view.source, []).append(entry)
            self._read(view)

    def _read(self, view: ViewSpec) -> None:
        """Read events by the newest declaration; a column that only an older one has may be missing."""
        older = {name: replace(column, nullable=True) for name, column in self._columns.get(view.source, {}).items()}
        columns = self._columns[view.source] = older | {column.name: column for column in view.columns}
        self._readers[view.source] = RowReader(list(columns.values()), also=[INGESTED_AT])

    def has(self, view: ViewSpec) -> bool:
        """Whether a view is kept."""
        return digest_of(view) in self._keepers

    def waiting(self) -> list[str]:
        """The sources of views whose history has not been taken in yet."""
        kept = self._keepers.items()
        return sorted({keeper.view.source for name, (_, keeper) in kept if name not in self._meta.filled})

    def backfill(self, sources: Mapping[str, pa.Table]) -> int:
        """Take in the history of every view that has none yet; gives the rows taken in.

        All of it becomes visible in one write, so a backfill that was killed begins anew.
        """
        waiting = [(name, entry) for name, entry in self._keepers.items() if name not in self._meta.filled]
        rows = 0
        for name, (prefix, keeper) in waiting:
            self._store.clear(prefix)
            rows += self._fill(prefix, keeper, sources.get(keeper.view.source))
            self._meta.filled.append(name)
        if waiting:
            self.checkpoint()
        return rows

    def ingest(
        self, source: str, rows: Sequence[Mapping[str, Any]], *, stream: str = "", position: int | None = None
    ) -> int:
        """Take in events of one source; gives how many were new. When it returns they are durable.

        With a `stream`, `position` is the number of the first row in it: rows taken in before are passed
        over, so a sender that is not sure sends them again. Raises BadEvents with every fault, NotFound for a
        source that no view needs; then nothing is taken in.
        """
        if source not in self._readers:
            raise NotFound("source", source, self._readers)
        skip = self._seen(stream, position, len(rows))
        typed = self._typed(source, rows[skip:], skip)
        if not typed:
            return 0
        after = (position or 0) + len(rows)
        where = self._spool.append(msgspec.msgpack.encode([source, stream, after, typed]))
        self._take_in(source, stream, after, typed)
        self._meta.spool = where
        if self._since >= _CHECKPOINT:
            self.checkpoint()
        return len(typed)

    def lookup(self, view: ViewSpec, entity: Any, at: Micros) -> dict[str, Any]:
        """Every feature of an entity at `at`, by name; an unknown entity or null has none, and counts are 0."""
        prefix, keeper = self._keepers[digest_of(view)]
        state = None if entity is None else self._state(prefix + _key(entity), create=False)
        return keeper.answer(state, at)

    def positions(self) -> dict[str, int]:
        """For each stream the number of the next row that is new."""
        return dict(self._meta.streams)

    def freshness(self) -> dict[str, Micros]:
        """For each source when its newest event happened."""
        return dict(self._meta.newest)

    def checkpoint(self) -> None:
        """Write every changed state and the spool's position in one go, then let the spool's old segments go."""
        changed = {key: msgspec.msgpack.encode(self._states[key].stored()) for key in self._dirty}
        self._store.put_many({**changed, _META: msgspec.msgpack.encode(self._meta)})
        self._dirty.clear()
        self._since = 0
        if len(self._states) > _CACHED:
            self._states.clear()
        self._spool.seal()
        for segment in sealed_segments(self._spool_path):
            if segment.last <= self._meta.spool:
                drop_segment(segment)

    def close(self) -> None:
        """Write everything down and let another process in."""
        self.checkpoint()
        self._spool.close()
        self._store.close()

    def _recover(self) -> None:
        for where, record in read_spool(self._spool_path, self._meta.spool):
            source, stream, after, typed = msgspec.msgpack.decode(record)
            blank = dict.fromkeys(self._columns.get(source, {}))  # a record may be older than a column
            self._take_in(source, stream, after, [[blank | row, known] for row, known in typed])
            self._meta.spool = where

    def _seen(self, stream: str, position: int | None, rows: int) -> int:
        if not stream or position is None:
            return 0
        return min(rows, max(0, self._meta.streams.get(stream, 0) - position))

    def _typed(self, source: str, rows: Sequence[Mapping[str, Any]], first: int) -> list[list[Any]]:
        reader, faults, typed = self._readers[source], list[Fault](), []
        event_time = self._by_source[source][0][1].view.event_time
        for number, row in enumerate(rows, start=first):
            found = reader.read(row, f"rows[{number}]", faults)
            known = ingested(row, found.get(event_time), f"rows[{number}]", faults) if found else 0
            typed.append([found, known])
        if faults:
            raise BadEvents(
                f"the events of {source}", shown(faults), hint="nothing was taken in; mend them and send again"
            )
        return typed

    def _take_in(self, source: str, stream: str, after: int, typed: list[list[Any]]) -> None:
        entries = self._by_source.get(source, [])
        for prefix, keeper in entries:
            entity, event_time = keeper.view.entity, keeper.view.event_time
            for row, known in typed:
                if row[entity] is None:
                    continue
                key = prefix + _key(row[entity])
                state = self._state(key, create=True)
                assert state is not None
                keeper.add(state, row, row[event_time], known)
                self._dirty.add(key)
        if entries and typed:
            event_time = entries[0][1].view.event_time
            newest = max(row[event_time] for row, _ in typed)
            self._meta.newest[source] = max(newest, self._meta.newest.get(source, newest))
        if stream:
            self._meta.streams[stream] = max(after, self._meta.streams.get(stream, 0))
        self._since += len(typed)

    def _state(self, key: bytes, *, create: bool) -> State | None:
        state = self._states.get(key)
        if state is not None:
            return state
        (stored,) = self._store.get_many([key])
        if stored is None and not create:
            return None
        state = State(msgspec.msgpack.decode(stored, strict=False) if stored else None)
        self._states[key] = state
        return state

    def _fill(self, prefix: bytes, keeper: Keeper, table: pa.Table | None) -> int:
        if table is None or not table.num_rows:
            return 0
        view = keeper.view
        times = table[view.event_time].to_numpy()
        recent = table.filter(pa.array(times >= int(times.max()) - 2 * lookback([view])))
        for row in recent.sort_by([(INGESTED_AT, "ascending"), (view.event_time, "ascending")]).to_pylist():
            if row[view.entity] is None:
                continue
            key = prefix + _key(row[view.entity])
            state = self._state(key, create=True)
            assert state is not None
            keeper.add(state, row, row[view.event_time], row[INGESTED_AT])
            self._dirty.add(key)
        newest = int(times.max())
        self._meta.newest[view.source] = max(newest, self._meta.newest.get(view.source, newest))
        return int(recent.num_rows)


_DIGESTS: dict[int, tuple[ViewSpec, str]] = {}


def digest_of(view: ViewSpec) -> str:
    """The digest of a view, computed once for each object."""
    found = _DIGESTS.get(id(view))
    if found is None or found[0] is not view:
        found = _DIGESTS[id(view)] = (view, digest(view))
    return found[1]


def _key(entity: Any) -> bytes:
    encoded = msgspec.msgpack.encode(entity)
    if len(encoded) <= _LONGEST_KEY:
        return encoded
    return b"\xc1" + digest_bytes(encoded).encode()  # no MessagePack begins with this byte
