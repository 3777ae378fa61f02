"""Setting bad rows aside: those of each file, and those that only all files together show to be bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noria.core.clock import Micros
from noria.data.model import INGESTED_AT, Part, Problem, SourceSpec
from noria.data.sift import REASON, Sifted, parquet
from noria.workspace.workspace import Workspace


class Sieve:
    """Turns the sifted files of a snapshot into parts, and keeps what is set aside."""

    def __init__(self, ws: Workspace, spec: SourceSpec, sifted: Sequence[Sifted]) -> None:
        self._ws, self._spec, self._sifted = ws, spec, sifted
        self._aside: list[pa.Table] = []
        self.bad_rows = 0
        for one in sifted:
            if one.bad is not None:
                self._set_aside(one.name, pq.read_table(ws.blobs.path(one.bad)))

    def run(self, as_of: Micros, *, explicit: bool) -> tuple[list[Part], list[Problem]]:
        """The parts that may be used at `as_of`, oldest name first, and what was found.

        With an `explicit` moment, rows ingested later are not there yet; without one, rows of the future are
        wrong and are set aside.
        """
        problems = [problem for one in self._sifted for problem in one.problems]
        parts = [_part(one) for one in self._sifted if one.rows]
        if explicit:
            parts = [cut for part in parts if (cut := self._cut(part, as_of))]
        else:
            parts = [self._without_future(part, as_of, problems) for part in parts]
        return [part for part in self._without_repeats(parts, problems) if part.rows], problems

    def quarantine(self) -> str | None:
        """Everything set aside as one blob, with the file and the reason; None when there is nothing."""
        if not self._aside:
            return None
        return self._ws.blobs.put(parquet(pa.concat_tables(self._aside, promote_options="default")))

    def _cut(self, part: Part, as_of: Micros) -> Part | None:
        if part.last_ingested <= as_of:
            return part
        event = self._spec.schema.event_time
        table = pq.read_table(self._ws.blobs.path(part.digest), columns=[event, INGESTED_AT])
        known = table.filter(pc.less_equal(table[INGESTED_AT], as_of))
        if not known.num_rows:
            return None
        times = known[event].to_numpy()
        last = int(known[INGESTED_AT].to_numpy().max())
        return Part(part.name, part.digest, known.num_rows, int(times.min()), int(times.max()), last, as_of=as_of)

    def _without_future(self, part: Part, now: Micros, problems: list[Problem]) -> Part:
        if part.last_event <= now:
            return part
        event = self._spec.schema.event_time
        table = self._read(part)
        future = pc.greater(table[event], now)
        problems.append(Problem("future", event, int(pc.sum(future).as_py()), "lies in the future", part.name))
        return self._removed(part, table, np.asarray(future), f"{event}: lies in the future")

    def _without_repeats(self, parts: list[Part], problems: list[Problem]) -> list[Part]:
        key = self._spec.schema.key
        if key is None or len(parts) < 2:
            return parts
        tables = [self._keys(part, key) for part in parts]
        every = pa.concat_tables(tables)[key].combine_chunks()
        codes = np.asarray(pc.dictionary_encode(every).indices)
        if len(codes) == len(np.unique(codes)):
            return parts
        again = np.ones(len(codes), dtype=bool)
        again[np.unique(codes, return_index=True)[1]] = False
        edges = np.cumsum([0, *(table.num_rows for table in tables)])
        cleaned = []
        for part, low, high in zip(parts, edges[:-1], edges[1:], strict=True):
            repeats = again[low:high]
            if repeats.any():
                problems.append(Problem("row", key, int(repeats.sum()), "used in an earlier file", part.name))
                part = self._removed(part, self._read(part), repeats, f"{key}: used in an earlier file")
            cleaned.append(part)
        return cleaned

    def _keys(self, part: Part, key: str) -> pa.Table:
        table = pq.read_table(self._ws.blobs.path(part.digest), columns=[key, INGESTED_AT])
        return table.select([key]) if part.as_of is None else self._known(table, part).select([key])

    def _read(self, part: Part) -> pa.Table:
        return self._known(pq.read_table(self._ws.blobs.path(part.digest)), part)

    def _known(self, table: pa.Table, part: Part) -> pa.Table:
        return table if part.as_of is None else table.filter(pc.less_equal(table[INGESTED_AT], part.as_of))

    def _removed(self, part: Part, table: pa.Table, bad: np.ndarray[Any, Any], reason: str) -> Part:
        aside = table.filter(pa.array(bad))
        self._set_aside(part.name, aside.append_column(REASON, pa.array([reason] * aside.num_rows)))
        kept = table.filter(pa.array(~bad))
        if not kept.num_rows:
            return replace(part, rows=0)
        times = kept[self._spec.schema.event_time].to_numpy()
        last = int(kept[INGESTED_AT].to_numpy().max())
        digest = self._ws.blobs.put(parquet(kept))
        return Part(part.name, digest, kept.num_rows, int(times.min()), int(times.max()), last)

    def _set_aside(self, name: str, rows: pa.Table) -> None:
        self.bad_rows += rows.num_rows
        self._aside.append(rows.append_column("file", pa.array([name] * rows.num_rows)))


def _part(one: Sifted) -> Part:
    return Part(one.name, one.good, one.rows, one.first_event, one.last_event, one.last_ingested)
