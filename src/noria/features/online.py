"""The online store of features: every view's state by entity, kept by events as they come.

An event is written to a spool before it is taken in, so an acknowledged event survives the death of the
process; every so often the changed states and the spool's position are written to the store in one go. On
start the states are loaded as they are asked for and the spool after that position is taken in again.

A view that comes later is filled from history: what was known by the newest row of the history comes from
there alone, what became known after it from events alone, so that nothing counts twice. A view that was not
kept while events came has missed them; when it is added again it starts anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import pyarrow as pa

from noria.core.clock import Micros
from noria.core.digest import digest
from noria.core.errors import BadInput, NotFound, StorageFull
from noria.features.ahead import Ahead
from noria.features.batches import Batch, Known, decode_batch, identity
from noria.features.history import fill
from noria.features.intake import Intake
from noria.features.joins import joined_view, joiner, past_of
from noria.features.ledger import Fresh, Kept, Ledger
from noria.features.model import ViewSpec
from noria.features.seen import SeenIds
from noria.features.view_states import Entity, Reading, ViewStates
from noria.stores.online import OnlineStore
from noria.stores.spool import Spool, drop_segment, read_spool, sealed_segments

_log = logging.getLogger(__name__)
_CHECKPOINT = 20_000
_RETAINED = 32 << 20
"""Bytes of taken-in records that stay in the spool: views added later are brought up to date with them."""


class OnlineFeatures:
    """The features of `views`, kept in `store`, with acknowledged events in the folder `spool`.

    After `checkpoint_rows` rows the states are written to the store: sooner where others read them there. For
    one thread of one process: raises Conflict when another process has the spool.
    """

    def __init__(
        self, views: Sequence[ViewSpec], store: OnlineStore, spool: Path, *, checkpoint_rows: int | None = None
    ) -> None:
        self._store, self._spool_path = store, spool
        self._checkpoint_rows = checkpoint_rows or _CHECKPOINT
        self._views: dict[str, ViewStates] = {}
        self._by_source: dict[str, list[ViewStates]] = {}
        self._intakes: dict[str, Intake] = {}
        self._named: dict[int, tuple[ViewSpec, str]] = {}
        self._since = 0
        self._spool = Spool(spool)
        try:
            self._ledger = Ledger.read(store)
            self._continue()
            self._ahead = Ahead(store, self._ledger.moment)
            self._seen = SeenIds(store)
            self.add_views(views)
            self._recover()
        except BaseException:
            self._spool.close()
            raise

    def add_views(self, views: Sequence[ViewSpec]) -> None:
        """Keep these views too, from the next event on. One that is kept already changes nothing."""
        for view in views:
            if self._name(view) not in self._views:
                self.add_views([joined_view(join) for join in view.joins])
                self._add(view, self._name(view))

    def _add(self, view: ViewSpec, name: str) -> None:
        complete = all(self._ledger.complete(name, source) for source in view.sources)
        kept = self._ledger.views[name] if complete else None
        join, past = joiner(view.joins, self._states_of), past_of(view)
        states = ViewStates(view, name, self._store, kept, joiner=join, past=past)
        if not complete:
            if self._ledger.views.pop(name, None):
                self._write()  # first the account, then the states: a crash in between leaves no false claim
            states.clear()
        self._views[name] = states
        of_source = self._by_source.setdefault(view.source, [])
        of_source.append(states)
        self._intakes[view.source] = Intake(view.source, [one.view for one in of_source])

    def has(self, view: ViewSpec) -> bool:
        """Whether a view is kept."""
        return self._name(view) in self._views

    def waiting(self) -> list[str]:
        """The sources of views whose history has not been taken in yet."""
        waiting = (states.view for states in self._views.values() if states.history is None)
        return sorted({source for view in waiting for source in view.sources})

    def backfill(self, sources: Mapping[str, pa.Table]) -> int:
        """Fill views that have no history yet from rows of their sources; gives the rows taken in.

        A table has the source's columns (times in int64 microseconds) and `ingested_at`, and everything that
        was known by its newest `ingested_at`. Views of sources that are not given keep waiting. All of it
        becomes durable in one write, so a backfill that was killed begins anew.
        """
        waiting = [
            one for one in self._views.values() if one.history is None and sources.keys() >= set(one.view.sources)
        ]
        later: dict[str, list[Known]] = {}
        for _, batch in self._records(-1) if waiting else ():
            later.setdefault(batch.source, []).extend(self._ahead.without(batch.rows, batch.now))
        rows = 0
        for states in waiting:
            own = fill(states, sources, later)
            self._ledger.note(states.view.source, self._intakes[states.view.source].newest(own))
            rows += len(own)
        if waiting:
            self.checkpoint()
        return rows

    def ingest(
        self,
        source: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        stream: str = "",
        position: int | None = None,
        ids: Sequence[str] = (),
        now: Micros | None = None,
    ) -> int:
        """Take in events of one source; gives how many were new. When it returns they survive kill -9.

        With a `stream`, `position` is the number of the first row in it: rows taken in before are passed
        over, so a sender that is not sure sends them again. In a stream without positions `ids` name the rows,
        one each, and do the same for its newest hundred thousand (seen.py). A row known more than a minute after `now` is
        refused, one known a little after it counts from its own moment on. Raises BadEvents with every fault,
        NotFound for a source that no view needs, StorageFull; then nothing is taken in.
        """
        intake = self._intakes.get(source)
        if intake is None:
            raise NotFound("source", source, self._intakes)
        skip, after = (0, 0) if ids else self._place(stream, position, len(rows))
        typed = intake.read(rows[skip:], skip, now)
        if ids:
            new = self._seen.new(stream, ids)
            typed, ids = list(compress(typed, new)), list(compress(ids, new))
        if not typed:
            return 0
        if now is not None:
            self._move_on(now)
        batch = Batch(source, stream, after, typed, now, list(ids))
        self._take_in(self._spool.append(batch.encode()), batch)
        if self._since >= self._checkpoint_rows:
            self._checkpoint_if_room()
        return len(typed)

    def lookup(self, view: ViewSpec, entity: Entity, at: Micros) -> dict[str, Any]:
        """Every feature of an entity at `at`, by name; an unknown entity or null has none, and counts are 0.

        `at` is not to lie before anything known: then the answer is the one that `build_part` gives.
        """
        return self._kept(view, at).answer(entity, at)

    def read(self, view: ViewSpec, entity: Entity, at: Micros) -> Reading:
        """The features of an entity at `at`, as `lookup` gives them, and how fresh they are."""
        return self._kept(view, at).reading(entity, at)

    def read_many(self, view: ViewSpec, entities: Sequence[Entity], at: Micros) -> list[Reading]:
        """The same for many entities, in their order; what is not in memory comes from the store in one go."""
        states = self._kept(view, at)
        states.fetch(entities)
        return [states.reading(entity, at) for entity in entities]

    def positions(self) -> dict[str, int]:
        """For each stream the number of the next row that is new."""
        return dict(self._ledger.streams)

    def freshness(self) -> dict[str, Micros]:
        """For each source when its newest event happened."""
        return dict(self._ledger.newest)

    def freshness_of(self, view: ViewSpec) -> Fresh | None:
        """The newest event of a view: when it happened and when it became known; None when there was none."""
        return self._states_of(view).fresh

    def checkpoint(self) -> None:
        """Write every changed state and the spool's position in one go, then let old segments of the spool go.

        Raises StorageFull; then nothing was written, nothing is lost, and a later one writes it all.
        """
        self._write()
        self._since = 0
        self._store.sync()
        self._spool.seal()
        kept = 0
        for segment in reversed(sealed_segments(self._spool_path)):
            kept += segment.path.stat().st_size
            if kept > _RETAINED and segment.last <= self._ledger.record:
                drop_segment(segment)

    def close(self) -> None:
        """Write everything down and let another process in."""
        try:
            self.checkpoint()
        finally:
            self._spool.close()
            self._store.close()

    def _write(self) -> None:
        entries: dict[bytes, bytes | None] = {}
        for states in self._views.values():
            self._ledger.views[states.name] = Kept(self._ledger.record, states.history, states.fresh)
            entries.update(states.changes())
        self._ledger.moment = self._ahead.moment
        entries.update(self._ahead.entry() | self._ledger.entry() | self._seen.changes())
        self._store.put_many(entries)
        self._seen.written()
        for states in self._views.values():
            states.written()

    def _checkpoint_if_room(self) -> None:
        try:
            self.checkpoint()
        except StorageFull as full:  # the events are in the spool: whoever sent them need not know
            self._since = 0
            _log.warning("the online store could not be written, the spool grows meanwhile: %s", full)

    def _continue(self) -> None:
        oldest = next((number for number, _ in read_spool(self._spool_path)), None)
        said = self._ledger.continued(identity(self._spool_path), oldest)
        if said:
            _log.warning("%s: %s", self._spool_path, said)

    def _recover(self) -> None:
        for number, batch in self._records(self._ledger.record):
            self._take_in(number, batch)

    def _records(self, after: int) -> Iterator[tuple[int, Batch]]:
        """Batches of the spool, their rows filled up with nulls for columns that came later."""
        for number, record in read_spool(self._spool_path, after):
            batch = decode_batch(record)
            intake = self._intakes.get(batch.source)
            yield number, batch.filled(intake.blank) if intake else batch

    def _take_in(self, record: int, batch: Batch) -> None:
        self._ledger.record = self._ledger.touched[batch.source] = record
        rows = self._ahead.arrived(batch.source, batch.rows, batch.now)
        self._spread(batch.source, rows)
        if batch.ids:
            self._seen.add(batch.stream, batch.ids)
        elif batch.stream:
            self._ledger.reached(batch.stream, batch.after)
        self._since += len(batch.rows)

    def _move_on(self, moment: Micros) -> None:
        """Time goes on: rows that waited for a moment up to this one count now."""
        for source, rows in self._ahead.due(moment).items():
            self._spread(source, rows)

    def _spread(self, source: str, rows: Sequence[Known]) -> None:
        """Give rows to every view of their source."""
        for states in self._by_source.get(source, ()):
            states.take_in(rows)
        if source in self._intakes:
            self._ledger.note(source, self._intakes[source].newest(rows))

    def _kept(self, view: ViewSpec, at: Micros) -> ViewStates:
        if at >= self._ahead.next:
            self._move_on(at)
        return self._states_of(view)

    def _states_of(self, view: ViewSpec) -> ViewStates:
        states = self._views.get(self._name(view))
        if states is None:
            raise NotFound("view", view.name, [one.view.name for one in self._views.values()], hint="add it first")
        return states

    def _place(self, stream: str, position: int | None, rows: int) -> tuple[int, int]:
        """How many of the rows were taken in before, and the position behind the last one."""
        seen = self._ledger.streams.get(stream, 0)
        first = seen if position is None else position
        if first < 0:
            raise BadInput(f"position {first} of stream {stream!r} lies before its beginning", hint="count from 0")
        return (min(rows, max(0, seen - first)) if stream else 0), first + rows

    def _name(self, view: ViewSpec) -> str:
        """The digest of a view, computed once for each object (which is kept, so that its id stays its own)."""
        found = self._named.get(id(view))
        if found is None:
            found = self._named[id(view)] = (view, digest(view))
        return found[1]
