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
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import Micros, show_moment
from noria.core.digest import digest
from noria.core.errors import BadInput, Fault, NotFound, StorageFull
from noria.data.model import INGESTED_AT
from noria.features.events import RowReader, ingested, merged_columns, shown
from noria.features.ledger import NEVER, Kept, Ledger
from noria.features.model import BadEvents, ViewSpec
from noria.features.view_states import ViewStates
from noria.features.windows import lookback
from noria.stores.online import OnlineStore
from noria.stores.spool import Spool, drop_segment, read_spool, sealed_segments

_log = logging.getLogger(__name__)
_SKEW = 60_000_000
"""How far a sender's clock may be ahead of ours, in microseconds."""
_CHECKPOINT = 20_000
_RETAINED = 32 << 20
"""Bytes of taken-in records that stay in the spool: views added later are brought up to date with them."""

Known = tuple[dict[str, Any], Micros]


class OnlineFeatures:
    """The features of `views`, kept in `store`, with acknowledged events in the folder `spool`.

    For one thread of one process: raises Conflict when another process has the spool.
    """

    def __init__(self, views: Sequence[ViewSpec], store: OnlineStore, spool: Path) -> None:
        self._store, self._spool_path = store, spool
        self._views: dict[str, ViewStates] = {}
        self._by_source: dict[str, list[ViewStates]] = {}
        self._readers: dict[str, RowReader] = {}
        self._named: dict[int, tuple[ViewSpec, str]] = {}
        self._since = 0
        self._spool = Spool(spool)
        try:
            self._ledger = Ledger.read(store)
            self.add_views(views)
            self._recover()
        except BaseException:
            self._spool.close()
            raise

    def add_views(self, views: Sequence[ViewSpec]) -> None:
        """Keep these views too, from the next event on. One that is kept already changes nothing."""
        for view in views:
            name = self._name(view)
            if name in self._views:
                continue
            complete = self._ledger.complete(name, view.source)
            history = self._ledger.views[name].history if complete else None
            states = ViewStates(view, name, self._store, history)
            if not complete:
                if self._ledger.views.pop(name, None):
                    self._write()  # first the account, then the states: a crash in between leaves no false claim
                states.clear()
            self._views[name] = states
            of_source = self._by_source.setdefault(view.source, [])
            of_source.append(states)
            columns = merged_columns([one.view.columns for one in of_source])
            self._readers[view.source] = RowReader(columns, also=[INGESTED_AT])

    def has(self, view: ViewSpec) -> bool:
        """Whether a view is kept."""
        return self._name(view) in self._views

    def waiting(self) -> list[str]:
        """The sources of views whose history has not been taken in yet."""
        return sorted({states.view.source for states in self._views.values() if states.history is None})

    def backfill(self, sources: Mapping[str, pa.Table]) -> int:
        """Fill views that have no history yet from rows of their sources; gives the rows taken in.

        A table has the source's columns (times in int64 microseconds) and `ingested_at`, and everything that
        was known by its newest `ingested_at`. Views of sources that are not given keep waiting. All of it
        becomes durable in one write, so a backfill that was killed begins anew.
        """
        waiting = [one for one in self._views.values() if one.history is None and one.view.source in sources]
        rows = 0
        for states in waiting:
            states.clear()
            history = _history(states.view, sources[states.view.source])
            states.take_in(history)
            states.history = max((known for _, known in history), default=NEVER)
            newest = max((row[states.view.event_time] for row, _ in history), default=None)
            self._ledger.note(states.view.source, "", 0, newest)
            rows += len(history)
        for _, source, _, _, typed in self._records(-1) if waiting else ():
            for states in waiting:
                if states.view.source == source:
                    states.take_in(typed)
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
        now: Micros | None = None,
    ) -> int:
        """Take in events of one source; gives how many were new. When it returns they survive kill -9.

        With a `stream`, `position` is the number of the first row in it: rows taken in before are passed
        over, so a sender that is not sure sends them again. A row known more than a minute after `now` is
        refused: a far future would push everything real out of its entity's windows. Raises BadEvents with
        every fault, NotFound for a source that no view needs, StorageFull; then nothing is taken in.
        """
        reader = self._readers.get(source)
        if reader is None:
            raise NotFound("source", source, self._readers)
        skip, after = self._place(stream, position, len(rows))
        typed = self._typed(source, reader, rows[skip:], skip)
        if not typed:
            return 0
        if now is not None:
            _refuse_future(source, typed, skip, now)
        record = self._spool.append(msgspec.msgpack.encode((source, stream, after, typed)))
        self._take_in(record, source, stream, after, typed)
        if self._since >= _CHECKPOINT:
            self._checkpoint_if_room()
        return len(typed)

    def lookup(self, view: ViewSpec, entity: tuple[Any, ...], at: Micros) -> dict[str, Any]:
        """Every feature of an entity at `at`, by name; an unknown entity or one with a null has none, and counts are 0.

        `at` is not to lie before anything known: then the answer is the one that `build_part` gives.
        """
        states = self._views.get(self._name(view))
        if states is None:
            raise NotFound("view", view.name, [one.view.name for one in self._views.values()], hint="add it first")
        return states.answer(entity, at)

    def positions(self) -> dict[str, int]:
        """For each stream the number of the next row that is new."""
        return dict(self._ledger.streams)

    def freshness(self) -> dict[str, Micros]:
        """For each source when its newest event happened."""
        return dict(self._ledger.newest)

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
        entries: dict[bytes, bytes] = {}
        for states in self._views.values():
            self._ledger.views[states.name] = Kept(self._ledger.record, states.history)
            entries.update(states.changes())
        entries.update(self._ledger.entry())
        self._store.put_many(entries)
        for states in self._views.values():
            states.written()

    def _checkpoint_if_room(self) -> None:
        try:
            self.checkpoint()
        except StorageFull as full:  # the events are in the spool: whoever sent them need not know
            self._since = 0
            _log.warning("the online store could not be written, the spool grows meanwhile: %s", full)

    def _recover(self) -> None:
        for record, source, stream, after, typed in self._records(self._ledger.record):
            self._take_in(record, source, stream, after, typed)

    def _records(self, after: int) -> Iterator[tuple[int, str, str, int, list[Known]]]:
        """Records of the spool, their rows filled up with nulls for columns that came later."""
        for number, record in read_spool(self._spool_path, after):
            source, stream, position, typed = msgspec.msgpack.decode(record)
            blank = dict.fromkeys(self._readers[source].names) if source in self._readers else {}
            yield number, source, stream, position, [({**blank, **row}, known) for row, known in typed]

    def _take_in(self, record: int, source: str, stream: str, after: int, typed: list[Known]) -> None:
        of_source = self._by_source.get(source, ())
        for states in of_source:
            states.take_in(typed)
        times = (row[states.view.event_time] for states in of_source[-1:] for row, _ in typed)
        self._ledger.note(source, stream, after, max((at for at in times if at is not None), default=None))
        self._ledger.record = self._ledger.touched[source] = record
        self._since += len(typed)

    def _place(self, stream: str, position: int | None, rows: int) -> tuple[int, int]:
        """How many of the rows were taken in before, and the position behind the last one."""
        seen = self._ledger.streams.get(stream, 0)
        first = seen if position is None else position
        if first < 0:
            raise BadInput(f"position {first} of stream {stream!r} lies before its beginning", hint="count from 0")
        return (min(rows, max(0, seen - first)) if stream else 0), first + rows

    def _typed(self, source: str, reader: RowReader, rows: Sequence[Mapping[str, Any]], first: int) -> list[Known]:
        faults: list[Fault] = []
        typed = []
        event_time = self._by_source[source][-1].view.event_time
        for number, row in enumerate(rows, start=first):
            place = f"rows[{number}]"
            found = reader.read(row, place, faults)
            at = found.get(event_time)
            if at is not None:
                typed.append((found, ingested(row, at, place, faults)))
            elif event_time in found:
                faults.append(Fault(f"{place}.{event_time}", "is missing"))
        if faults:
            hint = "nothing was taken in; mend them and send again"
            raise BadEvents(f"the events of {source}", shown(faults), hint=hint)
        return typed

    def _name(self, view: ViewSpec) -> str:
        """The digest of a view, computed once for each object (which is kept, so that its id stays its own)."""
        found = self._named.get(id(view))
        if found is None:
            found = self._named[id(view)] = (view, digest(view))
        return found[1]


def _refuse_future(source: str, typed: Sequence[Known], first: int, now: Micros) -> None:
    faults = [
        Fault(f"rows[{number}]", f"is stamped {show_moment(known)}; it is {show_moment(now)} here")
        for number, (_, known) in enumerate(typed, start=first)
        if known > now + _SKEW
    ]
    if faults:
        hint = "nothing was taken in; set the sender's clock right and send again"
        raise BadEvents(f"the events of {source}", shown(faults), hint=hint)


def _history(view: ViewSpec, table: pa.Table) -> list[Known]:
    """The rows of a source that a question after all of them can still depend on, in the order of knowing."""
    if not table.num_rows:
        return []
    used = {*view.entities, view.event_time, *(column.name for column in view.columns)}
    known = table[INGESTED_AT if INGESTED_AT in table.column_names else view.event_time]
    table = table.select(sorted(used & set(table.column_names))).append_column("noria_known", known)
    earliest = pc.max(table[view.event_time]).as_py() - lookback([view])
    recent = table.filter(pc.greater_equal(table[view.event_time], earliest))
    recent = recent.sort_by([("noria_known", "ascending"), (view.event_time, "ascending")])
    return [(row, row.pop("noria_known")) for row in recent.to_pylist()]
