"""Whether a snapshot may be learnt from: bad rows set aside, the whole compared with the one accepted before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from noria.core.digest import canonical, digest, short
from noria.core.errors import BadInput
from noria.data import comparison, quarantine, tables
from noria.data import suite_checks as suites
from noria.data.checks import VERSION
from noria.data.duplicates import without_duplicates
from noria.data.model import INGESTED_AT, Checked, DataRefused, FilePart, Part, Problem, Snapshot, SourceSpec
from noria.data.parts import Cut, cut, known_by, load_parts
from noria.data.reading import read_blob, write_blob
from noria.data.snapshot import get
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


def accept(ws: Workspace, spec: SourceSpec, snapshot: Snapshot) -> Checked:
    """Check the snapshot; record it as accepted, or refuse it. The quarantine is stored either way."""
    if snapshot.schema != spec.schema or snapshot.source != spec.name:
        raise BadInput(f"snapshot {short(snapshot.digest)} is of another declaration of {spec.name}",
                       hint="take it again")  # fmt: skip
    rules = digest({"tolerate": spec.tolerate, "fresh_within": spec.fresh_within, "checks": VERSION,
                    **suites.rules(ws, spec)})  # fmt: skip
    before = _last(ws, spec.name)
    same = before and before[0] == rules and before[1].snapshot == snapshot.digest
    if before and same and _complete(ws, before[1]) and not comparison.stale(spec, snapshot):
        return before[1]
    earlier = None if before is None else replace(_taken(ws, before[1].snapshot), as_of=before[2])
    checked, reasons = _judge(ws, spec, snapshot, earlier)
    if reasons:
        _refuse(ws, spec, checked, reasons)
    _record(ws, checked, rules, snapshot.as_of)
    return checked


def examine(ws: Workspace, spec: SourceSpec, snapshot: Snapshot) -> Checked:
    """Check the snapshot by itself, accepting nothing."""
    checked, reasons = _judge(ws, spec, snapshot, None)
    if reasons:
        _refuse(ws, spec, checked, reasons)
    return checked


def last(ws: Workspace, source: str) -> Checked | None:
    """The check of the snapshot that was accepted last, if any was."""
    found = _last(ws, source)
    return found[1] if found else None


def _last(ws: Workspace, source: str) -> tuple[str, Checked, int] | None:
    query = sa.select(tables.accepted).where(tables.accepted.c.source == source)
    with ws.database.reading() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else (row.rules, msgspec.convert(json.loads(row.value), Checked), row.at)


def _taken(ws: Workspace, name: str) -> Snapshot:
    snapshot = get(ws, name)
    if snapshot is None:
        raise BadInput(f"snapshot {short(name)} was accepted but never taken", hint="restore the database")
    return snapshot


def _complete(ws: Workspace, checked: Checked) -> bool:
    """Whether every blob that the check speaks of is still here."""
    blobs = [*(part.digest for part in checked.parts), *([checked.quarantine] if checked.quarantine else [])]
    return all(ws.blobs.exists(blob) for blob in blobs)


def _judge(ws: Workspace, spec: SourceSpec, snapshot: Snapshot, earlier: Snapshot | None) -> tuple[Checked, list[str]]:
    names = [file.name for file in snapshot.files]
    found = load_parts(ws, spec.schema, snapshot.files)
    parts, aside = _split(ws, spec, snapshot, names, found)
    warnings = [replace(one, example=name) for name, part in zip(names, found, strict=True) for one in part.warnings]
    checked = Checked(
        source=spec.name,
        snapshot=snapshot.digest,
        parts=tuple(parts),
        rows=sum(part.rows for part in parts),
        quarantined=sum(table.num_rows for table in aside),
        problems=(
            *quarantine.problems(aside, spec.schema.names),
            *_summed(warnings),
            *comparison.compare(snapshot, earlier),
        ),
        quarantine=ws.blobs.put(write_blob(pa.concat_tables(aside))) if aside else None,
    )
    reasons = comparison.refusals(spec, snapshot, earlier, checked) + comparison.copies(spec, names, found)
    wrong, refusing = suites.judge(ws, spec, checked)
    return replace(checked, problems=(*checked.problems, *wrong)), reasons + refusing


def _summed(warnings: Sequence[Problem]) -> list[Problem]:
    """The same warning of several files as one, with the first file as its example."""
    found: dict[tuple[str, str], list[Problem]] = {}
    for one in warnings:
        found.setdefault((one.check, one.column), []).append(one)
    return [
        replace(same[0], rows=sum(one.rows for one in same), example=_and_more([one.example for one in same]))
        for same in found.values()
    ]


def _and_more(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _split(
    ws: Workspace, spec: SourceSpec, snapshot: Snapshot, names: Sequence[str], found: Sequence[FilePart]
) -> tuple[list[Part], list[Any]]:
    """The parts that may be used, and tables of the rows that may not."""
    moment, present = snapshot.as_of, not snapshot.cut
    parts, aside = [], []
    for name, (part, doubled) in zip(names, without_duplicates(ws, spec.schema, found), strict=True):
        seen = cut(ws, spec.schema, part, moment, present=present)
        bad = [doubled] if doubled is not None else []
        if part.bad:
            bad.append(read_blob(ws.blobs.path(part.bad)))
        tables = [table if present else known_by(table, moment) for table in bad]
        if present and seen.hidden:
            tables.append(_from_the_future(ws, spec, part, moment))
        aside += [quarantine.named(table, name) for table in tables if table.num_rows]
        if seen.part.rows and part.good:
            parts.append(_part(name, part.good, seen))
    return parts, aside


def _part(name: str, digest: str, seen: Cut) -> Part:
    return Part(
        name=name,
        digest=digest,
        rows=seen.part.rows,
        first_event=seen.part.first_event,
        last_event=seen.part.last_event,
        last_ingested=seen.part.last_ingested,
        as_of=seen.as_of,
    )


def _from_the_future(ws: Workspace, spec: SourceSpec, part: FilePart, moment: int) -> Any:
    assert part.good is not None
    table = read_blob(ws.blobs.path(part.good))
    rows = np.flatnonzero(table[INGESTED_AT].to_numpy() > moment)
    message = "is later than the moment the snapshot was taken"
    return quarantine.set_aside(table, spec.schema, rows, "future", spec.schema.event_time, message)


def _record(ws: Workspace, checked: Checked, rules: str, moment: int) -> None:
    subject = f"source:{checked.source}"
    data = {"snapshot": checked.snapshot, "rows": checked.rows, "quarantined": checked.quarantined,
            "problems": [f"{one.check} {one.column}".strip() for one in checked.problems]}  # fmt: skip
    row = {"source": checked.source, "snapshot": checked.snapshot, "rules": rules, "at": moment}
    with ws.database.transaction() as connection:
        ws.database.upsert(connection, tables.accepted, [{**row, "value": canonical(checked)}], ["source"])
        ws.journal.append(connection, *_set_aside(checked), Fact("DataAccepted", subject, data))


def _refuse(ws: Workspace, spec: SourceSpec, checked: Checked, reasons: Sequence[str]) -> None:
    fact = Fact("DataRefused", f"source:{spec.name}", {"snapshot": checked.snapshot, "reasons": list(reasons)})
    with ws.database.transaction() as connection:
        ws.journal.append(connection, *_set_aside(checked), fact)
    shown = [f"{one.column or one.check}: {one.rows} rows: {one.message} ({one.example})" for one in checked.problems]
    lines = "".join(f"\n  - {line}" for line in [*reasons, *shown[:10]])
    hint = "mend the files, or, if this is meant, loosen the bounds or raise `tolerate` of the source"
    raise DataRefused(f"source {spec.name} is refused:{lines}", hint=hint, checked=checked)


def _set_aside(checked: Checked) -> list[Fact]:
    if not checked.quarantined:
        return []
    data = {"snapshot": checked.snapshot, "rows": checked.quarantined, "quarantine": checked.quarantine}
    return [Fact("RowsQuarantined", f"source:{checked.source}", data)]
