"""History as live traffic: what happened, cut at looks, in the order in which it could be known.

Everything is derived from the sources' checked parts and a hash, so a replay that is broken off builds the
very same stream again, and row numbers can serve as positions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import Micros
from noria.data import operations as data
from noria.data.model import INGESTED_AT, Part
from noria.retraining.model import ModelPlan
from noria.training.labels import attach_labels
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of one source; `position` is the first one's number in the stream."""

    source: str
    position: int
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Moment:
    """One request, and what became known since the one before it."""

    at: Micros
    events: list[Batch]
    request: dict[str, Any] | None


@dataclass(frozen=True)
class Labelled:
    """A label that could be known at `at`."""

    at: Micros
    key: str
    label: float


@dataclass(frozen=True)
class Stretch:
    """Everything between two looks; the look itself is taken at `until`."""

    number: int
    until: Micros
    moments: Sequence[Moment]
    labels: Sequence[Labelled]


class History:
    """The stream of one model between `start` and `end`.

    `share` of the requests are asked, chosen by a hash of their key; every event is sent.
    """

    def __init__(
        self,
        ws: Workspace,
        plan: ModelPlan,
        parts: Mapping[str, Sequence[Part]],
        *,
        start: Micros,
        end: Micros,
        share: float,
        look: Micros,
    ) -> None:
        inputs, label = plan.training.inputs, plan.training.label
        self.start, self.end, self.look = start, end, look
        self._sources = {
            source: _between(data.read_parts(ws, parts[source]), INGESTED_AT, start, end)
            for view in inputs.views
            for source in view.sources
        }
        requests = _between(data.read_parts(ws, parts[inputs.source]), inputs.asked_at, start, end)
        asked = [is_chosen(key, share) for key in requests[inputs.key].to_pylist()]
        chosen = requests.filter(pa.array(asked, pa.bool_()))
        self._requests = chosen.sort_by([(inputs.asked_at, "ascending"), (inputs.key, "ascending")])
        self._asked_at, self._columns = inputs.asked_at, [column.name for column in inputs.request]
        answers = data.read_parts(ws, parts[label.source])
        known = attach_labels(self._requests, label, answers, as_of=end + label.matures_after)
        self._labels = known.select([inputs.key, "label", "labelled_at"]).sort_by("labelled_at")
        self._key = inputs.key

    @property
    def requests(self) -> int:
        """How many requests the stream asks."""
        return int(self._requests.num_rows)

    @property
    def events(self) -> int:
        """How many source rows the stream sends."""
        return sum(table.num_rows for table in self._sources.values())

    @property
    def stretches(self) -> int:
        """How many looks there are; the last ones, after the end, let labels mature."""
        return int(-(-(self._last - self.start) // self.look))

    @property
    def _last(self) -> Micros:
        labelled = self._labels["labelled_at"]
        return max(self.end, int(labelled[-1].as_py()) + 1 if len(labelled) else self.end)

    def stretch(self, number: int) -> Stretch:
        """The `number`th stretch, from zero."""
        since = self.start + number * self.look
        until = since + self.look
        asked = _slice(self._requests, self._asked_at, since, until)
        labels = _slice(self._labels, "labelled_at", since, until)
        known = zip(*(labels[name].to_pylist() for name in ("labelled_at", self._key, "label")), strict=True)
        moments = list(self._moments(asked.select(self._columns).to_pylist(), since, until))
        return Stretch(number, until, moments, [Labelled(*one) for one in known])

    def _moments(self, asked: list[dict[str, Any]], since: Micros, until: Micros) -> Iterator[Moment]:
        pending = {source: _Cursor.over(source, table, since, until) for source, table in self._sources.items()}
        for row in asked:
            at = row[self._asked_at]
            batches = [batch for cursor in pending.values() if (batch := cursor.take(at + 1))]
            yield Moment(at, batches, row)
        rest = [batch for cursor in pending.values() if (batch := cursor.take(until))]
        if rest:
            yield Moment(until - 1, rest, None)


class _Cursor:
    """The rows of one source within a stretch, handed out as time goes on."""

    def __init__(self, source: str, first: int, moments: np.ndarray[Any, Any], rows: list[dict[str, Any]]) -> None:
        self.source, self.first, self.moments, self.rows = source, first, moments, rows
        self.taken = 0

    @classmethod
    def over(cls, source: str, table: pa.Table, since: Micros, until: Micros) -> _Cursor:
        moments = table[INGESTED_AT].to_numpy()
        low, high = (int(edge) for edge in np.searchsorted(moments, [since, until]))
        return cls(source, low, moments[low:high], table.slice(low, high - low).to_pylist())

    def take(self, before: Micros) -> Batch | None:
        high = int(np.searchsorted(self.moments, before))
        if high <= self.taken:
            return None
        batch = Batch(self.source, self.first + self.taken, self.rows[self.taken : high])
        self.taken = high
        return batch


def is_chosen(key: str, share: float) -> bool:
    """Whether a key belongs to the sample: the same keys at every run, on every machine."""
    if share >= 1:
        return True
    drawn = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
    return drawn < share * 2**64


def _between(table: pa.Table, column: str, start: Micros, end: Micros) -> pa.Table:
    moments = table[column]
    kept = table.filter(pc.and_(pc.greater(moments, start), pc.less(moments, end)))
    order = [(name, "ascending") for name in dict.fromkeys([column, *kept.column_names])]
    return kept.sort_by(order)


def _slice(table: pa.Table, column: str, since: Micros, until: Micros) -> pa.Table:
    low, high = (int(edge) for edge in np.searchsorted(table[column].to_numpy(), [since, until]))
    return table.slice(low, high - low)
