"""Each raw file, typed and checked once: its good rows sorted as one blob, its bad rows as another.

Whatever depends on the file alone is kept under the digest of (file, schema, version of the checks), so a
snapshot with one more file, or of another moment, pays only for what is new. What depends on the moment is
`cut` from it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical, digest
from noria.core.errors import Fault
from noria.core.schema import Schema
from noria.data import statistics, tables
from noria.data.checks import VERSION, any_of, file_warnings, row_faults
from noria.data.model import INGESTED_AT, DataRefused, FilePart, SnapshotFile
from noria.data.normalise import TypedFile, type_columns
from noria.data.quarantine import bad_rows
from noria.data.reading import kind_of, read_blob, read_file, write_blob
from noria.workspace.workspace import Workspace


def load_parts(ws: Workspace, schema: Schema, files: Sequence[SnapshotFile]) -> list[FilePart]:
    """The part of every file, in order, from the cache where it is there.

    Raises UnreadableFile for a damaged file, DataRefused with all faults of all headers together.
    """
    keys = [_key(schema, file) for file in files]
    known = _kept(ws, keys)
    fresh: dict[str, FilePart] = {}
    faults: list[Fault] = []
    try:
        for key, file in zip(keys, files, strict=True):
            if key not in known and key not in fresh:
                typed, found = _typed(ws, schema, file)
                faults += found
                if typed is not None:
                    fresh[key] = _make(ws, schema, typed)
    finally:  # what is done is done, whatever is wrong with the next file
        _keep(ws, fresh)
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise DataRefused(f"the files do not have the declared columns:\n{lines}", hint="mend the files or the source")
    return [known.get(key) or fresh[key] for key in keys]


def _key(schema: Schema, file: SnapshotFile) -> str:
    return digest({"file": file.digest, "kind": kind_of(file.name), "schema": schema, "checks": VERSION})


def _kept(ws: Workspace, keys: Sequence[str]) -> dict[str, FilePart]:
    found = {}
    with ws.database.reading() as connection:
        for start in range(0, len(keys), 500):
            query = sa.select(tables.parts).where(tables.parts.c.key.in_(keys[start : start + 500]))
            for row in connection.execute(query):
                part = msgspec.convert(json.loads(row.value), FilePart)
                if all(ws.blobs.exists(blob) for blob in (part.good, part.bad) if blob):
                    found[row.key] = part
    return found


def _keep(ws: Workspace, fresh: dict[str, FilePart]) -> None:
    if fresh:
        rows = [{"key": key, "value": canonical(part)} for key, part in fresh.items()]
        with ws.database.transaction() as connection:
            ws.database.upsert(connection, tables.parts, rows, ["key"])


def _typed(ws: Workspace, schema: Schema, file: SnapshotFile) -> tuple[TypedFile | None, list[Fault]]:
    raw, faults = read_file(file.name, ws.blobs.path(file.digest), schema)
    return type_columns(raw, schema) if raw is not None else (None, faults)


def _make(ws: Workspace, schema: Schema, file: TypedFile) -> FilePart:
    faults = row_faults(file, schema)
    bad = any_of(faults, file.rows)
    aside = bad_rows(file, schema, faults, bad) if bad.any() or file.malformed else None
    good = _sorted(file, schema, np.flatnonzero(~bad))
    first, last, newest = bounds(good, schema)
    return FilePart(
        good=ws.blobs.put(write_blob(good)) if good.num_rows else None,
        rows=good.num_rows,
        first_event=first,
        last_event=last,
        last_ingested=newest,
        bad=ws.blobs.put(write_blob(aside)) if aside is not None else None,
        bad_rows=aside.num_rows if aside is not None else 0,
        last_bad=_latest(aside["_known_at"]) if aside is not None else 0,
        warnings=file_warnings(file, schema),
        statistics=statistics.partial(good, schema),
    )


def _sorted(file: TypedFile, schema: Schema, rows: Any) -> Any:
    event, known = (times[rows] for times in file.times(schema))
    if not _in_order(event, known):
        rows = rows[np.lexsort((known, event))]
    names = [*schema.names, *([INGESTED_AT] if INGESTED_AT not in schema else [])]
    table = pa.table({name: file.columns[name].values for name in names})
    return table if len(rows) == file.rows and _is_range(rows) else table.take(pa.array(rows))


def _in_order(event: Any, known: Any) -> bool:
    step = np.diff(event)
    return bool(np.all((step > 0) | ((step == 0) & (np.diff(known) >= 0))))


def _is_range(rows: Any) -> bool:
    return bool(np.all(np.diff(rows) == 1))


def bounds(table: Any, schema: Schema) -> tuple[Micros, Micros, Micros]:
    """First and last event, and the newest moment a row was known, of sorted rows; 0 when there are none."""
    if not table.num_rows:
        return 0, 0, 0
    event = table[schema.event_time]
    return event[0].as_py(), event[len(event) - 1].as_py(), _latest(table[INGESTED_AT])


def shrunk(part: FilePart, table: Any, schema: Schema) -> FilePart:
    """The part when only the rows of `table` are left of it."""
    first, last, newest = bounds(table, schema)
    return replace(
        part,
        rows=table.num_rows,
        first_event=first,
        last_event=last,
        last_ingested=newest,
        statistics=statistics.partial(table, schema),
    )


def _latest(moments: Any) -> Micros:
    known = moments.drop_null().to_numpy()
    return int(known.max()) if len(known) else 0


@dataclass(frozen=True)
class Cut:
    """A part as it was at a moment: its rows known by then, good and bad, and the good ones known later.

    `as_of` is the newest moment at which a row that counts was known, so any moment which cuts alike gives
    the same; None when nothing is cut off.
    """

    part: FilePart
    bad_rows: int
    hidden: int = 0
    as_of: Micros | None = None


def cut(ws: Workspace, schema: Schema, part: FilePart, moment: Micros, *, present: bool) -> Cut:
    """The part as it was known at `moment`.

    When the moment is the `present`, every bad row counts, whatever it says about when it was known.
    """
    bad = part.bad_rows
    if part.bad and part.last_bad > moment and not present:
        bad = known_by(read_blob(ws.blobs.path(part.bad)), moment).num_rows
    if part.good is None or part.last_ingested <= moment:
        return Cut(part, bad)
    table = until(read_blob(ws.blobs.path(part.good)), moment)
    known = shrunk(part, table, schema)
    return Cut(known, bad, part.rows - table.num_rows, known.last_ingested)


def until(table: Any, moment: Micros) -> Any:
    """The rows of a part that were known at `moment`."""
    return table.filter(pa.array(table[INGESTED_AT].to_numpy() <= moment))


def known_by(aside: Any, moment: Micros) -> Any:
    """The bad rows that were known at `moment`; one that does not tell counts always."""
    return aside.filter(pa.array(aside["_known_at"].fill_null(moment).to_numpy() <= moment))
