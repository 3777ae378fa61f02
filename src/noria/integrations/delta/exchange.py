"""A table of a data version as a Delta table: `noria data export flights lake/flights --format delta`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from noria.core.errors import BadInput
from noria.data.lake.opening import place_of
from noria.data.versions.exchange import Brought, Exchange, Given
from noria.data.versions.model import Snapshot
from noria.data.versions.places import object_store
from noria.integrations.delta.rows import check_key, reading, table_of
from noria.integrations.delta.writing import MODES, Mark, Mode, write_delta
from noria.workspace.workspace import Workspace


def write(ws: Workspace, snapshot: Snapshot, place: str | Path, name: str | None = None, mode: str = "") -> Given:
    """Write one table of a snapshot to the Delta table at a path or an address; `name` tells which, if several.

    Doing it again changes nothing. Raises what `write_delta` does, NoKey, NotFound, UnreadableFile.
    """
    if mode and mode not in MODES:
        raise BadInput(f"a Delta table is not written by {mode!r}", hint=f"the modes are {', '.join(MODES)}")
    wanted = cast("Mode", mode or "create")
    table, entries = table_of(ws, snapshot, name or "")
    store, target = object_store(ws), place_of(Path.cwd(), str(place))
    with store.using():
        if wanted == "merge":
            check_key(store, table, entries)
        mark = Mark(snapshot.id, table.name)
        done = write_delta(lambda: reading(store, table, entries), target, mark, wanted, table.key)
    became = f"version {done.version}, {table.rows} rows" if done.new else "had them already; nothing was written"
    return Given(target, len(table.files), told=became)


def read(_: Workspace, place: str) -> list[Brought]:
    """Not offered: a Delta table has versions of its own. Raises BadInput."""
    raise BadInput(f"{place} is not committed again: a Delta table has versions of its own",
                   hint='name it as a source: [source.NAME] delta = "PATH" and version = NUMBER')  # fmt: skip


DELTA = Exchange("delta", read, write, MODES)
