"""What a source holds at a moment: immutable, named by the digest of its content, taken once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical, digest
from noria.core.errors import BadInput, Conflict
from noria.data import statistics, tables
from noria.data.files import keep_files
from noria.data.lake.keeping import keep_delta
from noria.data.lake.opening import is_table
from noria.data.model import DeltaVersion, Location, Snapshot, SnapshotFile, SourceSpec
from noria.data.parts import Cut, cut, load_parts
from noria.data.queries import keep_query
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


def take(ws: Workspace, spec: SourceSpec, as_of: Micros | None) -> Snapshot:
    """Keep the files, type them, and describe what was known at the moment."""
    files, pin = _keep(ws, spec.location)
    parts = load_parts(ws, spec.schema, files)
    present, moment = as_of is None, ws.clock.now() if as_of is None else as_of
    cuts = [cut(ws, spec.schema, part, moment, present=present) for part in parts]
    name = _digest(spec, files, cuts, pin, present=present)
    taken = get(ws, name)
    if taken is None:
        taken = replace(_describe(spec, name, moment, files, cuts, present=present), delta=pin)
        _record(ws, taken)
    return replace(taken, as_of=moment)


def get(ws: Workspace, name: str) -> Snapshot | None:
    """The snapshot with this digest, if it was ever taken."""
    query = sa.select(tables.snapshots.c.value).where(tables.snapshots.c.digest == name)
    with ws.database.reading() as connection:
        value = connection.execute(query).scalar_one_or_none()
    return None if value is None else msgspec.convert(json.loads(value), Snapshot)


def _keep(ws: Workspace, location: Location) -> tuple[list[SnapshotFile], DeltaVersion | None]:
    if sum(place is not None for place in (location.path, location.query, location.delta)) != 1:
        raise BadInput("a source lies at a path or is the result of a query or a Delta table",
                       hint="give one of the three")  # fmt: skip
    delta = location.delta
    if location.path is not None and is_table(ws.root / location.path):
        delta = location.path
    if delta is not None:
        return keep_delta(ws, delta, location.version)
    if location.version is not None:
        raise BadInput("only a Delta table has versions", hint="leave the version out, or name the table's folder")
    return (keep_query(ws, location) if location.path is None else keep_files(ws, location.path)), None


def _digest(
    spec: SourceSpec, files: Sequence[SnapshotFile], cuts: Sequence[Cut], pin: DeltaVersion | None, *, present: bool
) -> str:
    content: dict[str, Any] = {
        "source": spec.name,
        "schema": spec.schema,
        "files": [(file.name, file.digest) for file in files],
    }
    if pin is not None:  # not its place: a table may be moved
        content["delta"] = (pin.table, pin.version)
    if _cuts(cuts):  # not the moment itself: every moment that cuts alike names the same snapshot
        content |= {"known": [(one.part.rows, one.bad_rows) for one in cuts], "present": present}
    return digest(content)


def _cuts(cuts: Sequence[Cut]) -> bool:
    return any(one.hidden or one.bad_rows != one.part.bad_rows for one in cuts)


def _describe(
    spec: SourceSpec, name: str, moment: Micros, files: Sequence[SnapshotFile], cuts: Sequence[Cut], *, present: bool
) -> Snapshot:
    there = [one.part for one in cuts if one.part.rows]
    future = sum(one.hidden for one in cuts) if present else 0
    return Snapshot(
        source=spec.name,
        digest=name,
        as_of=moment,
        files=tuple(files),
        rows=sum(one.part.rows + one.bad_rows for one in cuts) + future,
        first_event=min((part.first_event for part in there), default=None),
        last_event=max((part.last_event for part in there), default=None),
        schema=spec.schema,
        statistics=statistics.combine([part.statistics for part in there], spec.schema),
        future=future,
        cut=_cuts(cuts) and not present,
    )


def _record(ws: Workspace, snapshot: Snapshot) -> None:
    said: dict[str, Any] = {
        "snapshot": snapshot.digest,
        "rows": snapshot.rows,
        "files": len(snapshot.files),
        "as_of": snapshot.as_of,
    }
    if snapshot.delta is not None:
        said["delta"] = {"table": snapshot.delta.table, "version": snapshot.delta.version}
    fact = Fact("SnapshotTaken", f"source:{snapshot.source}", said)
    row = {"digest": snapshot.digest, "source": snapshot.source, "taken_at": ws.clock.now()}
    try:
        with ws.database.transaction() as connection:
            connection.execute(sa.insert(tables.snapshots).values(**row, value=canonical(snapshot)))
            ws.journal.append(connection, fact)
    except Conflict:
        if get(ws, snapshot.digest) is None:
            raise  # anything but another process that took the very same snapshot
