"""Keys that occur in more than one file of a source: the first known row stays, later ones are set aside.

Each part is free of duplicates already, so only the key column of every part is read to find out; the
parts of files without a duplicate are used as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from noria.core.schema import Schema
from noria.data.checks import later_duplicates, taken_back
from noria.data.model import INGESTED_AT, FilePart
from noria.data.parsing import Mask
from noria.data.parts import shrunk
from noria.data.quarantine import set_aside
from noria.data.reading import read_blob, write_blob
from noria.workspace.workspace import Workspace


def without_duplicates(ws: Workspace, schema: Schema, parts: Sequence[FilePart]) -> list[tuple[FilePart, Any | None]]:
    """Each part without rows whose key another part had first, and those rows (None: there are none)."""
    result: list[tuple[FilePart, Any | None]] = [(part, None) for part in parts]
    filled = [place for place, part in enumerate(parts) if part.good]
    if schema.key is None or len(filled) < 2:
        return result
    later = _later(ws, schema, [parts[place] for place in filled])
    start = 0
    for place in filled:
        mask = later[start : start + parts[place].rows]
        start += parts[place].rows
        if mask.any():
            result[place] = _split(ws, schema, parts[place], mask)
    return result


def _later(ws: Workspace, schema: Schema, parts: Sequence[FilePart]) -> Mask:
    def column(name: str) -> Any:
        tables = [read_blob(ws.blobs.path(part.good), [name]) for part in parts if part.good]
        return pa.concat_tables(tables)[name].combine_chunks()

    assert schema.key is not None
    keys = column(schema.key)
    if len(keys.unique()) == len(keys):
        return np.zeros(len(keys), dtype=np.bool_)
    times = column(schema.event_time).to_numpy(), column(INGESTED_AT).to_numpy()
    backs = taken_back(column(schema.retraction)) if schema.retraction else None
    return later_duplicates(keys, times, np.ones(len(keys), dtype=np.bool_), backs)


def _split(ws: Workspace, schema: Schema, part: FilePart, later: Mask) -> tuple[FilePart, Any]:
    assert part.good is not None and schema.key is not None
    table = read_blob(ws.blobs.path(part.good))
    kept = table.filter(pa.array(~later))
    message = "a row of another file has this key and was known first"
    aside = set_aside(table, schema, np.flatnonzero(later), "key", schema.key, message)
    good = ws.blobs.put(write_blob(kept)) if kept.num_rows else None
    return replace(shrunk(part, kept, schema), good=good), aside
