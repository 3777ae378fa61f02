"""What can be done with sources: take a snapshot, check it, read what was accepted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from noria.core.clock import Micros, show_moment
from noria.core.digest import canonical, digest
from noria.data.compare import compare, merged
from noria.data.locate import raw_files
from noria.data.model import INGESTED_AT, Checked, DataRefused, Part, Snapshot, SourceSpec
from noria.data.quarantine import Sieve
from noria.data.sift import REASON, sift
from noria.data.tables import accepted_sources, checked_snapshots, snapshots
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


def take_snapshot(ws: Workspace, spec: SourceSpec, *, as_of: Micros | None = None) -> Snapshot:
    """Keep what a source holds now, immutably.

    `as_of`: the moment nothing later than was knowable (default: now). Raises NotFound, UnreadableFile.
    """
    files = raw_files(ws, spec)
    sifted = [sift(ws, spec.schema, file) for file in files]
    cuts = as_of is not None and any(one.rows and one.last_ingested > as_of for one in sifted)
    named = digest([spec.name, spec.schema, [(file.name, file.digest) for file in files], as_of if cuts else None])
    whole = [one for one in sifted if one.rows]
    snapshot = Snapshot(
        source=spec.name,
        digest=named,
        as_of=as_of if as_of is not None else ws.clock.now(),
        files=tuple(files),
        rows=sum(one.rows + one.bad_rows for one in sifted),
        first_event=min((one.first_event for one in whole), default=None),
        last_event=max((one.last_event for one in whole), default=None),
        schema=spec.schema,
        statistics=merged(sifted),
        explicit=as_of is not None,
    )
    _remember(ws, snapshot)
    return snapshot


def check(ws: Workspace, spec: SourceSpec, snapshot: Snapshot) -> Checked:
    """Hold a snapshot against the declaration and against the last accepted one; gives the rows to be used.

    Bad rows go to quarantine with the reason. Raises DataRefused, with nothing accepted, when more than
    `spec.tolerate` are bad, nothing is left, or the newest row is not fresh.
    """
    rules = digest([spec.schema, spec.tolerate])
    timeless = spec.fresh_within is None and snapshot.explicit
    if timeless and (kept := _kept(ws, snapshot.digest, rules)) is not None:
        _accept(ws, snapshot, kept)
        return kept
    sieve = Sieve(ws, spec, [sift(ws, spec.schema, file) for file in snapshot.files])
    parts, problems = sieve.run(snapshot.as_of, explicit=snapshot.explicit)
    problems += compare(snapshot, last_accepted(ws, spec.name), parts)
    rows = sum(part.rows for part in parts)
    checked = Checked(
        spec.name, snapshot.digest, tuple(parts), rows, sieve.bad_rows, tuple(problems), sieve.quarantine()
    )
    _refuse(ws, spec, snapshot, checked)
    row = {"snapshot": snapshot.digest, "rules": rules, "value": canonical(checked)}
    with ws.database.transaction() as connection:
        ws.database.upsert(connection, checked_snapshots, [row], ["snapshot", "rules"])
    _accept(ws, snapshot, checked)
    return checked


def read_parts(ws: Workspace, parts: Sequence[Part], columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of parts, in their order; of a part with `as_of` only those ingested by then."""
    tables = []
    for part in parts:
        wanted = list(dict.fromkeys([*columns, INGESTED_AT])) if columns is not None else None
        table = pq.read_table(ws.blobs.path(part.digest), columns=wanted)
        if part.as_of is not None:
            table = table.filter(pc.less_equal(table[INGESTED_AT], part.as_of))
        tables.append(table.select(columns) if columns is not None else table)
    return pa.concat_tables(tables)


def last_accepted(ws: Workspace, source: str) -> Checked | None:
    """The newest snapshot of a source that passed its checks."""
    query = sa.select(accepted_sources.c.value).where(accepted_sources.c.source == source)
    with ws.database.reading() as connection:
        found = connection.execute(query).scalar_one_or_none()
    return None if found is None else msgspec.json.decode(found, type=Checked)


def quarantined(ws: Workspace, checked: Checked) -> pa.Table:
    """The bad rows of a checked snapshot, with their file and the reason; empty when there were none."""
    if checked.quarantine is None:
        return pa.table({"file": pa.array([], pa.string()), REASON: pa.array([], pa.string())})
    return pq.read_table(ws.blobs.path(checked.quarantine))


def _remember(ws: Workspace, snapshot: Snapshot) -> None:
    known = sa.select(snapshots.c.digest).where(snapshots.c.digest == snapshot.digest)
    with ws.database.reading() as connection:
        if connection.execute(known).first():
            return
    row = {"digest": snapshot.digest, "source": snapshot.source, "taken": ws.clock.now(), "value": canonical(snapshot)}
    facts = {"digest": snapshot.digest, "rows": snapshot.rows, "files": len(snapshot.files)}
    with ws.database.transaction() as connection:
        ws.database.upsert(connection, snapshots, [row], ["digest"])
        ws.journal.append(connection, Fact("SnapshotTaken", f"source:{snapshot.source}", facts))


def _kept(ws: Workspace, snapshot: str, rules: str) -> Checked | None:
    table = checked_snapshots.c
    query = sa.select(table.value).where(table.snapshot == snapshot, table.rules == rules)
    with ws.database.reading() as connection:
        found = connection.execute(query).scalar_one_or_none()
    return None if found is None else msgspec.json.decode(found, type=Checked)


def _accept(ws: Workspace, snapshot: Snapshot, checked: Checked) -> None:
    before = sa.select(accepted_sources.c.snapshot).where(accepted_sources.c.source == checked.source)
    row = {
        "source": checked.source, "snapshot": checked.snapshot, "as_of": snapshot.as_of, "value": canonical(checked)
    }  # fmt: skip
    with ws.database.transaction() as connection:
        same = connection.execute(before).scalar_one_or_none() == checked.snapshot
        ws.database.upsert(connection, accepted_sources, [row], ["source"])
        if same:
            return
        subject = f"source:{checked.source}"
        facts = [Fact("DataAccepted", subject, {"snapshot": checked.snapshot, "rows": checked.rows})]
        if checked.quarantined:
            facts.append(Fact("RowsQuarantined", subject, {"rows": checked.quarantined, "blob": checked.quarantine}))
        ws.journal.append(connection, *facts)


def _refuse(ws: Workspace, spec: SourceSpec, snapshot: Snapshot, checked: Checked) -> None:
    """Raise when the snapshot as a whole may not be used."""
    said = _whole_fault(spec, snapshot, checked)
    if not said:
        return
    data = {"snapshot": snapshot.digest, "reason": said, "quarantine": checked.quarantine}
    with ws.database.transaction() as connection:
        ws.journal.append(connection, Fact("DataRefused", f"source:{spec.name}", data))
    found = "; ".join(f"{one.rows} × {one.column} {one.message}" for one in checked.problems[:5])
    raise DataRefused(
        f"the data of {spec.name} are refused: {said}" + (f" ({found})" if found else ""),
        hint="mend the files or the declaration; the bad rows and their reasons are kept in quarantine",
    )


def _whole_fault(spec: SourceSpec, snapshot: Snapshot, checked: Checked) -> str:
    total = checked.rows + checked.quarantined
    if checked.quarantined > spec.tolerate * total:
        return f"{checked.quarantined} of {total} rows are bad, {spec.tolerate:.0%} are tolerated"
    if not checked.rows:
        return "no row is left"
    newest = max(part.last_ingested for part in checked.parts)
    if spec.fresh_within is not None and snapshot.as_of - newest > spec.fresh_within.micros:
        return f"the newest row came at {show_moment(newest)}, more than {spec.fresh_within} before the snapshot"
    shrunk = [one.message for one in checked.problems if one.check == "shrunk"]
    return shrunk[0] if shrunk else ""
