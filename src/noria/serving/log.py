"""The prediction log: what was answered and what became of it, durable before anybody hears the answer.

`append` returns when the record is in the spool, where kill -9 cannot reach it; a process of low priority turns
sealed segments into Parquet. A prediction id is logged once for ever, also across restarts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import monotonic
from noria.core.errors import NoriaError
from noria.serving.hash_index import HashIndex
from noria.serving.log_columns import FEEDBACK, PREDICTIONS, Layout, R, hash_id
from noria.serving.log_converter import convert_apart
from noria.serving.log_files import LogFiles
from noria.serving.log_rules import kept, written
from noria.serving.model import FeedbackRecord, LogRules, PredictionRecord
from noria.stores.parquet import read_parquet
from noria.stores.spool import Spool, drop_segment
from noria.workspace.workspace import Workspace

_log = logging.getLogger(__name__)
_LATEST = 1024
_TOGETHER = 3
"""Sealed segments that are converted by one process: its start costs as much as converting one."""
_ROOM = 4
"""A segment may grow to as many times its size before whoever answers must close it, because the thread has not."""


def log_path(ws: Workspace) -> Path:
    """Where the data plane of a workspace keeps its prediction log."""
    return ws.folder("log")


class Track(Generic[R]):
    """One kind of record as it is written: its spool, its index of what is already there, its sealing."""

    def __init__(self, root: Path, layout: Layout[R], segment_bytes: int, power_safe: bool, room: int) -> None:
        self.layout: Layout[R] = layout
        self.files: LogFiles[R] = LogFiles(root, layout)
        self.files.spool.mkdir(parents=True, exist_ok=True)
        self._segment_bytes = segment_bytes
        self._spool = Spool(self.files.spool, segment_bytes=room * segment_bytes, power_safe=power_safe)
        self._lock = threading.Lock()
        self._converting = threading.Lock()
        self.index = HashIndex()
        self._sealed_until = self._load()
        self._sealed_at = monotonic()

    def _load(self) -> int:
        last = -1
        for file in self.files.parquet():
            table = read_parquet(file.path, columns=["identity", "position"])
            self.index.add_arrays(_numbers(table["identity"]), _numbers(table["position"]))
            last = file.last
        self.index.add_many(self.files.identities(last))
        return last

    def append(self, records: Mapping[int, R]) -> None:
        """Store records by their identities, all or none; when it returns they are there. Raises StorageFull."""
        encoded = [self.layout.encode(record) for record in records.values()]
        with self._lock:
            first = self._spool.next_position
            if len(encoded) == 1:
                self._spool.append(encoded[0])
            else:
                self._spool.append_many(encoded)
        for position, identity in enumerate(records, first):
            self.index.add(identity, position)

    def seal(self) -> None:
        """Begin a new segment, so that what is there can become Parquet."""
        self._spool.flush()  # before the lock: nobody who answers is to wait for the disk
        with self._lock:
            if self._spool.next_position > self._sealed_until + 1:
                self._spool.seal()
                self._sealed_until = self._spool.next_position - 1
            self._sealed_at = monotonic()

    def seal_if_due(self, seconds: float) -> None:
        """Seal when the segment is full, or the last sealing is long ago."""
        if self._spool.size >= self._segment_bytes or monotonic() - self._sealed_at > seconds:
            self.seal()

    def convert(self) -> None:
        """Turn every sealed segment into Parquet."""
        with self._converting:
            for segment in self.files.sealed():
                self.files.convert(segment)
                drop_segment(segment)

    def close(self) -> None:
        with self._lock:
            self._spool.close()


class PredictionLog:
    """The one writer of a log. Calls come from one thread; sealing happens in another.

    `seal_every` seconds a segment is sealed even when it is small; `segment_bytes` is about how much one holds.
    `power_safe` flushes every append to the disk itself (milliseconds each). `rules` say, by model, what is left out;
    `secret` is the key of their hashes. Raises Conflict when another process writes this log.
    """

    def __init__(
        self,
        path: Path,
        *,
        segment_bytes: int = 16 << 20,
        seal_every: float = 300.0,
        power_safe: bool = False,
        background: bool = True,
        rules: Mapping[str, LogRules] | None = None,
        secret: bytes = b"",
    ) -> None:
        self._path = path
        self._rules = rules or {}
        self._secret = secret
        room = _ROOM if background else 1
        self._predictions = Track(path, PREDICTIONS, segment_bytes, power_safe, room)
        self._feedback = Track(path, FEEDBACK, segment_bytes, power_safe, room)
        self._latest: dict[str, PredictionRecord] = {}
        self._seal_every = seal_every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)
        if background:
            self._thread.start()

    def append(self, record: PredictionRecord) -> None:
        """Log an answered row. An id that is in the log already is not logged again."""
        self.append_many([record])

    def append_many(self, records: Sequence[PredictionRecord], *, new: bool = False) -> None:
        """Log answered rows, all or none. Raises StorageFull: then nobody may be told the answers.

        `new` says that none of the ids can be there already, which saves looking for them.
        """
        wanted = [one for one in map(self._written, records) if one is not None] if self._rules else records
        index = self._predictions.index
        fresh: dict[int, PredictionRecord] = {}
        for record in wanted:
            identity = hash_id(record.prediction_id)
            if new or (identity not in fresh and index.position(identity) is None):
                fresh[identity] = record
        if fresh:
            self._predictions.append(fresh)
        for record in fresh.values():
            self._latest[record.prediction_id] = record
        while len(self._latest) > _LATEST:
            del self._latest[next(iter(self._latest))]

    def _written(self, record: PredictionRecord) -> PredictionRecord | None:
        """The record by the rules of its model; None when it is outside the sample."""
        rules = self._rules.get(record.model)
        if rules is None:
            return record
        return written(rules, record, self._secret) if kept(rules, record.prediction_id) else None

    def append_feedback(self, record: FeedbackRecord) -> bool:
        """Log a label or outcome; False when the very same is in the log already."""
        return self.append_feedbacks([record]) == 1

    def append_feedbacks(self, records: Sequence[FeedbackRecord]) -> int:
        """Log several, all or none; gives how many were new. `at` does not count in telling two apart."""
        index = self._feedback.index
        new = {key: one for one in records if (key := FEEDBACK.identity(one)) not in index}
        if new:
            self._feedback.append(new)
        return len(new)

    def __contains__(self, prediction_id: str) -> bool:
        return hash_id(prediction_id) in self._predictions.index

    def find(self, prediction_id: str) -> PredictionRecord | None:
        """The record of an id, or None: at once for the newest, by reading one file for the others."""
        if (latest := self._latest.get(prediction_id)) is not None:
            return latest
        position = self._predictions.index.position(hash_id(prediction_id))
        if position is None:
            return None
        record = self._predictions.files.at(position)
        return record if record is not None and record.prediction_id == prediction_id else None

    def backlog(self) -> int:
        """Sealed segments that are not Parquet yet."""
        return len(self._predictions.files.sealed()) + len(self._feedback.files.sealed())

    def seal(self) -> None:
        """Turn everything logged so far into Parquet, here and now."""
        for track in self._tracks():
            track.seal()
            track.convert()

    def close(self) -> None:
        """Seal and stop. When the disk is full everything stays in the spool, to be sealed another time."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self.seal()
        except NoriaError:
            _log.exception("the prediction log stays in its spool")
        for track in self._tracks():
            track.close()

    def _tracks(self) -> tuple[Track[PredictionRecord], Track[FeedbackRecord]]:
        return self._predictions, self._feedback

    def _work(self) -> None:
        converted = monotonic()
        while not self._stop.wait(1.0):
            try:
                for track in self._tracks():
                    track.seal_if_due(self._seal_every)
                if self.backlog() >= _TOGETHER or (self.backlog() and monotonic() - converted > self._seal_every):
                    convert_apart(self._path)
                    converted = monotonic()
            except (NoriaError, OSError):
                _log.exception("sealing the prediction log failed; it goes on in its spool")
                self._stop.wait(5.0)


class LogReader:
    """Reads a log that another process may be writing; needs nobody to be alive."""

    def __init__(self, path: Path) -> None:
        self._predictions = LogFiles(path, PREDICTIONS)
        self._feedback = LogFiles(path, FEEDBACK)

    def predictions(self, after: int = -1) -> tuple[list[PredictionRecord], int]:
        """Predictions at positions above `after`, each once and in order, and the position to go on from."""
        return self._predictions.read(after)

    def feedback(self, after: int = -1) -> tuple[list[FeedbackRecord], int]:
        """Feedback at positions above `after`, each once and in order, and the position to go on from."""
        return self._feedback.read(after)

    def find(self, prediction_id: str) -> PredictionRecord | None:
        """The record of an id, or None. Reads one column of each file, the newest file first."""
        unsealed, _ = self._predictions.read(max((file.last for file in self._predictions.parquet()), default=-1))
        for record in unsealed:
            if record.prediction_id == prediction_id:
                return record
        wanted = pa.scalar(hash_id(prediction_id), pa.uint64())
        for file in reversed(self._predictions.parquet()):
            table = read_parquet(file.path, columns=["identity", "position"])
            same = table["position"].filter(pc.equal(table["identity"], wanted))
            for position in same.to_pylist():
                found = self._predictions.at(position)
                if found is not None and found.prediction_id == prediction_id:
                    return found
        return None


def _numbers(column: pa.ChunkedArray) -> Any:
    """As NumPy, by the way that brings no pandas into the server: 34 MB and 0.2 s."""
    return np.from_dlpack(column.combine_chunks())
