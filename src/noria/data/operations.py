"""What can be done with sources: take a snapshot, check it, read what was accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from noria.core.clock import Micros
from noria.data import acceptance, parts, reading, snapshot
from noria.data.model import INGESTED_AT, Checked, Part, Snapshot, SourceSpec
from noria.workspace.workspace import Workspace


def take_snapshot(ws: Workspace, spec: SourceSpec, *, as_of: Micros | None = None) -> Snapshot:
    """What the source holds: its raw files kept as blobs, typed, and described.

    With an explicit `as_of` (microseconds UTC), only rows that were known then are there. Without one it is
    the present, and rows stamped later than now are bad. The same content gives the same digest, is recorded
    once, and costs next to nothing the second time; a new file costs only itself.

    Raises NoFiles when the path matches nothing, UnreadableFile for a damaged or forbidden file, DataRefused
    for files without the declared columns, FileChanged for one that is being written, QueryFailed,
    Unavailable when a database is away, StorageFull. Nothing is recorded then.
    """
    return snapshot.take(ws, spec, as_of)


def check(ws: Workspace, spec: SourceSpec, snapshot: Snapshot) -> Checked:
    """Judge a snapshot by its declaration and by the snapshot accepted before it.

    Bad rows (type, null, infinity, bounds, key, future stamp, malformed line) go to quarantine with their
    reasons. The first known row of a key stays, also across files. Oddities that make no row bad are
    `problems` only: rows out of time order, an empty file, files gone or changed, fewer rows than before.

    Raises DataRefused, the quarantine stored, when more than `spec.tolerate` of the rows are bad, when no good
    row is left, when the newest row is older than `spec.fresh_within`, when more than half of the rows that
    were there are gone, or when two files of a source without a key hold the same rows.
    """
    return acceptance.accept(ws, spec, snapshot)


def examine(ws: Workspace, spec: SourceSpec, snapshot: Snapshot) -> Checked:
    """Judge a snapshot by its declaration alone; nothing is accepted by it, and nothing that was is replaced.

    Raises DataRefused as `check` does.
    """
    return acceptance.examine(ws, spec, snapshot)


def last_accepted(ws: Workspace, source: str) -> Checked | None:
    """The check of the snapshot of this source that was accepted last, or None."""
    return acceptance.last(ws, source)


def read_parts(ws: Workspace, parts_: Sequence[Part], columns: Sequence[str] | None = None) -> Any:
    """The rows of parts as one Arrow table, part after part, each cut at its `as_of`.

    `columns` are the ones wanted, in that order (None: all, `ingested_at` last). Raises NotFound or Corrupt
    when a part's blob is gone or damaged.
    """
    if not parts_:
        return pa.table({name: pa.nulls(0) for name in columns or ()})
    return pa.concat_tables([_read(ws, part, columns) for part in parts_])


def _read(ws: Workspace, part: Part, columns: Sequence[str] | None) -> Any:
    path = ws.blobs.path(part.digest)
    if part.as_of is None:
        return reading.read_blob(path, columns)
    if columns is None or INGESTED_AT in columns:
        return parts.until(reading.read_blob(path, columns), part.as_of)
    return parts.until(reading.read_blob(path, [*columns, INGESTED_AT]), part.as_of).select(list(columns))
