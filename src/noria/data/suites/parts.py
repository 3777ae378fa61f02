"""The checked parts of a snapshot as a table: moments are moments again, and only rows of their time count."""

from __future__ import annotations

from collections.abc import Sequence

from noria.core.schema import Schema
from noria.data.model import INGESTED_AT, Part
from noria.data.suites import quoting
from noria.data.suites.table import Table
from noria.workspace.workspace import Workspace


def table_of_parts(ws: Workspace, schema: Schema, parts: Sequence[Part], name: str) -> Table:
    """The rows of all parts, each cut at its `as_of`."""
    files = {part.digest: str(ws.blobs.path(part.digest)) for part in parts}
    moments = [column.name for column in schema if column.dtype == "time"]
    moments += [INGESTED_AT] if INGESTED_AT not in schema else []
    shown = ", ".join(f"make_timestamp({quoting.name(one)}) AS {quoting.name(one)}" for one in moments)
    selects = []
    for as_of in dict.fromkeys(part.as_of for part in parts):
        listed = ", ".join(quoting.text(files[part.digest]) for part in parts if part.as_of == as_of)
        rows = f"SELECT * REPLACE ({shown}) FROM read_parquet([{listed}])"
        selects.append(rows if as_of is None else f"{rows} WHERE {quoting.name(INGESTED_AT)} <= {as_of}")
    return Table(name, tuple(files.values()), sql=" UNION ALL ".join(selects))
