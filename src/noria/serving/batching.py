"""Batches that nobody waits for: while a run is on, what arrives meanwhile is gathered, and taken together by the next.

A `Lane` is one thread before one model. An idle lane runs a lone row at once; a busy one takes up to as many rows
as the model answers within a slice of time, by the cost measured so far. Entries of higher priority go first, and
a long one is taken in pieces. Waiting is bounded by rows and by time: what would wait longer is refused at once.
(The idea is Triton's dynamic batcher with its delay at nought.)
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from noria.core.clock import monotonic
from noria.core.errors import NoriaError, Unavailable
from noria.serving.model import LaneRules
from noria.serving.workers.native_scorer import WorkerDied

Row = Mapping[str, Any]
Predict = Callable[[Mapping[str, Sequence[Any]]], np.ndarray[Any, Any]]
_WEIGHT = 0.2


class Overloaded(Unavailable):
    """More is waiting for a model than it answers in time; nothing was done for this request."""

    code = "N6022"


class Watch(Protocol):
    """Is told what a lane does."""

    def runs(self, rows: int, waiting: int) -> None:
        """A batch is run now; so many rows wait on."""
        ...

    def shed(self) -> None:
        """A request was refused."""
        ...


@dataclass(order=True)
class _Entry:
    rank: tuple[int, int]
    rows: Sequence[Row] = field(compare=False)
    since: float = field(compare=False)
    future: Future[list[float]] = field(compare=False)
    taken: int = field(default=0, compare=False)
    answers: list[float] = field(default_factory=list, compare=False)

    @property
    def left(self) -> int:
        return len(self.rows) - self.taken


class Lane:
    """Runs `predict` over rows with `columns`, in a thread of its own that begins with the first row."""

    def __init__(
        self, name: str, predict: Predict, columns: Sequence[str], rules: LaneRules, watch: Watch | None = None
    ) -> None:
        self.name = name
        self._predict = predict
        self._columns = tuple(columns)
        self._rules = rules
        self._watch = watch
        self._heap: list[_Entry] = []
        self._waiting = 0
        self._count = 0
        self._closed = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self.row_seconds = 0.0
        """The cost of a row as measured, weighted towards the latest batches."""

    def ask(self, rows: Sequence[Row], priority: int = 0) -> Future[list[float]]:
        """What will be the answers, in the order of the rows. Raises Overloaded."""
        if not rows:
            nothing: Future[list[float]] = Future()
            nothing.set_result([])
            return nothing
        with self._change:
            if self._closed:
                raise Overloaded(f"{self.name} is not served here any more", hint="ask again")
            before = sum(one.left for one in self._heap if one.rank[0] <= -priority) if priority else self._waiting
            wait = before * self.row_seconds
            if self._waiting and (self._waiting + len(rows) > self._rules.queue or wait > self._rules.patience):
                self._shed()
                raise Overloaded(
                    f"{self._waiting:,} rows wait for {self.name}, about {wait:.1f} s", hint="ask again in a while"
                )
            self._count += 1
            entry = _Entry((-priority, self._count), rows, monotonic(), Future())
            heapq.heappush(self._heap, entry)
            self._waiting += len(rows)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"lane {self.name}", daemon=True)
                self._thread.start()
            self._change.notify()
        return entry.future

    def close(self) -> None:
        """Answer what waits, then end. Closing again changes nothing."""
        with self._change:
            self._closed = True
            self._change.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while batch := self._next():
            began = monotonic()
            rows = sum(len(piece) for _, piece in batch)
            if self._watch is not None:
                self._watch.runs(rows, self._waiting)
            try:
                self._answer(batch)
            except BaseException as error:  # a thread that ends silently would leave everybody waiting
                for entry, _ in batch:
                    _fail(entry, error)
            cost = (monotonic() - began) / max(1, rows)
            self.row_seconds += (_WEIGHT if self.row_seconds else 1.0) * (cost - self.row_seconds)

    def _next(self) -> list[tuple[_Entry, Sequence[Row]]]:
        """The next batch, as pieces of entries; empty when the lane is closed and nothing waits."""
        with self._change:
            while True:
                while not self._heap and not self._closed:
                    self._change.wait()
                batch = self._gather()
                if batch or (self._closed and not self._heap):
                    return batch

    def _gather(self) -> list[tuple[_Entry, Sequence[Row]]]:
        room = self._room()
        batch: list[tuple[_Entry, Sequence[Row]]] = []
        while self._heap and room > 0:
            entry = self._heap[0]
            if self._dropped(entry):
                heapq.heappop(self._heap)
                self._waiting -= entry.left
                continue
            piece = entry.rows[entry.taken : entry.taken + room]
            entry.taken += len(piece)
            self._waiting -= len(piece)
            room -= len(piece)
            batch.append((entry, piece))
            if not entry.left:
                heapq.heappop(self._heap)
        return batch

    def _room(self) -> int:
        if not self.row_seconds:
            return min(self._rules.most_rows, 16)  # nothing is known yet
        return max(1, min(self._rules.most_rows, int(self._rules.slice / self.row_seconds)))

    def _dropped(self, entry: _Entry) -> bool:
        """Whether nobody wants the entry any more, or it has waited for too long."""
        if entry.future.done():
            return True
        if entry.taken == 0 and not entry.future.set_running_or_notify_cancel():
            return True
        waited = monotonic() - entry.since
        if entry.taken or self._closed or waited <= self._rules.patience:
            return False
        self._shed()
        _fail(entry, Overloaded(f"{waited:.1f} s in the queue of {self.name}", hint="ask again in a while"))
        return True

    def _answer(self, batch: Sequence[tuple[_Entry, Sequence[Row]]]) -> None:
        """Rows that a model refuses spoil no others: a batch that fails is run again, entry by entry."""
        try:
            answers = self._scored([row for _, piece in batch for row in piece])
        except NoriaError as error:
            again = isinstance(error, WorkerDied)  # the dead process is started again, once
            if len(batch) == 1 and not again:
                _fail(batch[0][0], error)
                return
            for entry, piece in batch:
                try:
                    _add(entry, self._scored(piece))
                except NoriaError as own:
                    _fail(entry, own)
            return
        start = 0
        for entry, piece in batch:
            _add(entry, answers[start : start + len(piece)])
            start += len(piece)

    def _scored(self, rows: Sequence[Row]) -> list[float]:
        found: list[float] = self._predict({name: [row[name] for row in rows] for name in self._columns}).tolist()
        return found

    def _shed(self) -> None:
        if self._watch is not None:
            self._watch.shed()


def _add(entry: _Entry, answers: Sequence[float]) -> None:
    entry.answers.extend(answers)
    if len(entry.answers) == len(entry.rows) and not entry.future.done():
        entry.future.set_result(entry.answers)


def _fail(entry: _Entry, error: BaseException) -> None:
    with suppress(InvalidStateError):  # it has an answer, or an error already
        entry.future.set_exception(error)
