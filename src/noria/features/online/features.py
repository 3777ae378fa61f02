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
from contextlib import contextmanager
from itertools import compress
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict, NotFound, StorageFull, Unavailable
from noria.features.model import ViewSpec
from noria.features.online.ahead import Ahead
from noria.features.online.batches import Batch, Known, decode_batch, identity
from noria.features.online.forgetting import forget_outlived
from noria.features.online.history import fill
from noria.features.online.kept_views import KeptViews, Names
from noria.features.online.ledger import Fresh, Ledger
from noria.features.online.seen import SeenIds
from noria.features.online.view_states import Entity, Reading, ViewStates
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
        self._names = Names()
        self._since = 0
        self._lost: list[ViewSpec] | None = None
        self._fenced: Conflict | None = None
        self._spool = Spool(spool)
        try:
            self._open(views)
        except BaseException:
            self._spool.close()
            raise

    def add_views(self, views: Sequence[ViewSpec]) -> None:
        """Keep these views too, from the next event on. One that is kept already changes nothing."""
        self._views.add(views)

    def has(self, view: ViewSpec) -> bool:
        """Whether a view is kept."""
        return view in self._views

    def waiting(self) -> list[str]:
        """The sources of views whose history has not been taken in yet."""
        return sorted({source for states in self._views.waiting() for source in states.view.sources})

    def backfill(self, sources: Mapping[str, pa.Table]) -> int:
        """Fill views that have no history yet from rows of their sources; gives the rows taken in.

        A table has the source's columns (times in int64 microseconds) and `ingested_at`, and everything that
        was known by its newest `ingested_at`. Views of sources that are not given keep waiting. All of it
        becomes durable in one write, so a backfill that was killed begins anew.
        """
        self._mend()
        waiting = [one for one in self._views.waiting() if sources.keys() >= set(one.view.sources)]
        later: dict[str, list[Known]] = {}
        for _, batch in self._records(-1) if waiting else ():
            later.setdefault(batch.source, []).extend(self._ahead.without(batch.rows, batch.now))
        rows = 0
        with self._changing():
            for states in waiting:
                own = fill(states, sources, later)
                self._ledger.note(states.view.source, self._views.intakes[states.view.source].newest(own))
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
        one each, and do the same for its newest hundred thousand (seen.py). A row known more than a minute after
        `now` is refused, one known a little after it counts from its own moment on. Raises BadEvents with every
        fault, NotFound for a source that no view needs, StorageFull; then nothing is taken in.
        """
        if self._fenced is not None:
            raise self._fenced
        self._mend()
        intake = self._views.intakes.get(source)
        if intake is None:
            raise NotFound("source", source, self._views.intakes)
        skip, after = (0, 0) if ids else self._place(stream, position, len(rows))
        typed = intake.read(rows[skip:], skip, now)
        if ids:
            new = self._seen.new(stream, ids)
            typed, ids = list(compress(typed, new)), list(compress(ids, new))
        if not typed:
            return 0
        typed.sort(key=itemgetter(1))  # what was known first counts first
        if now is not None:
            self._move_on(now)
        batch = Batch(source, stream, after, typed, now, list(ids))
        number = self._spool.append(batch.encode())
        try:
            with self._changing():
                self._take_in(number, batch)
            if self._since >= self._checkpoint_rows:
                self._checkpoint_if_room()
        except Unavailable as away:  # the events are in the spool, and are taken in from there later
            _log.warning("events wait in the spool until the online store answers again: %s", away)
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
        return self._views.of(view).fresh

    def checkpoint(self) -> None:
        """Write every changed state and the spool's position in one go, then let old segments of the spool go.

        Raises StorageFull or Unavailable; then nothing was written, nothing is lost, and a later one writes it
        all. Raises Conflict when another process has begun to write the store.
        """
        self._mend()
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
            if self._lost is None:
                self.checkpoint()
        finally:
            self._spool.close()
            self._store.close()

    def _write(self) -> None:
        self._ledger.moment = self._ahead.moment
        entries = self._views.changes()
        entries.update(self._ahead.entry() | self._ledger.entry() | self._seen.changes())
        self._store.put_many(entries)
        self._seen.written()
        self._views.written()

    def _checkpoint_if_room(self) -> None:
        try:
            self.checkpoint()
        except (StorageFull, Unavailable) as full:  # the events are in the spool: whoever sent them need not know
            self._since = 0
            _log.warning("the online store could not be written, the spool grows meanwhile: %s", full)
        except Conflict as fenced:
            self._fenced = fenced
            raise

    def _open(self, views: Sequence[ViewSpec]) -> None:
        """Take up where the store and the spool are."""
        self._ledger = Ledger.read(self._store)
        oldest = next((number for number, _ in read_spool(self._spool_path)), None)
        said = self._ledger.continued(identity(self._spool_path), oldest)
        if said:
            _log.warning("%s: %s", self._spool_path, said)
        self._ahead = Ahead(self._store, self._ledger.moment)
        self._seen = SeenIds(self._store)
        self._views = KeptViews(self._store, self._ledger, self._names, self._write)
        self._views.add(views)
        self._recover()
        forget_outlived(self._store, self._ledger, {states.name for states in self._views})

    def _mend(self) -> None:
        """After the store went away amid a change: begin again from what it has, and the spool, as after a death."""
        if self._lost is not None:
            self._open(self._lost)
            self._lost = None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """What is changed here is changed whole; else it is done again from the start before anything else is."""
        views = [states.view for states in self._views]
        try:
            yield
        except Unavailable:
            self._lost = self._lost or views
            raise

    def _recover(self) -> None:
        for number, batch in self._records(self._ledger.record):
            self._take_in(number, batch)

    def _records(self, after: int) -> Iterator[tuple[int, Batch]]:
        """Batches of the spool, their rows filled up with nulls for columns that came later."""
        for number, record in read_spool(self._spool_path, after):
            batch = decode_batch(record)
            intake = self._views.intakes.get(batch.source)
            yield number, batch.filled(intake.blank) if intake else batch

    def _take_in(self, record: int, batch: Batch) -> None:
        self._ledger.record = self._ledger.touched[batch.source] = record
        rows = self._ahead.arrived(batch.source, batch.rows, batch.now)
        self._views.spread(batch.source, rows)
        if batch.ids:
            self._seen.add(batch.stream, batch.ids)
        elif batch.stream:
            self._ledger.reached(batch.stream, batch.after)
        self._since += len(batch.rows)

    def _move_on(self, moment: Micros) -> None:
        """Time goes on: rows that waited for a moment up to this one count now."""
        with self._changing():
            for source, rows in self._ahead.due(moment).items():
                self._views.spread(source, rows)

    def _kept(self, view: ViewSpec, at: Micros) -> ViewStates:
        if self._lost is not None:
            self._mend()
        if at >= self._ahead.next:
            self._move_on(at)
        return self._views.of(view)

    def _place(self, stream: str, position: int | None, rows: int) -> tuple[int, int]:
        """How many of the rows were taken in before, and the position behind the last one."""
        seen = self._ledger.streams.get(stream, 0)
        first = seen if position is None else position
        if first < 0:
            raise BadInput(f"position {first} of stream {stream!r} lies before its beginning", hint="count from 0")
        return (min(rows, max(0, seen - first)) if stream else 0), first + rows
