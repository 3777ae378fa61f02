"""A snapshot beside the one accepted before it: what shrank, vanished, changed, or is no longer told."""

from __future__ import annotations

from collections.abc import Sequence

from noria.core.clock import show_moment
from noria.data.model import Checked, FilePart, Problem, Snapshot, SourceSpec

HALF = 0.5
"""A source that loses more than this share of its rows is refused, unless more is tolerated."""


def compare(snapshot: Snapshot, before: Snapshot | None) -> list[Problem]:
    """What became less or different since the last accepted snapshot; one of an earlier moment is not compared."""
    if before is None or snapshot.as_of < before.as_of:
        return []
    found = []
    if snapshot.rows < before.rows:
        lost = before.rows - snapshot.rows
        message = f"rows shrank from {before.rows} to {snapshot.rows} since the last accepted snapshot"
        found.append(Problem("shrunk", "", lost, message))
    then, now = ({file.name: file.digest for file in one.files} for one in (before, snapshot))
    vanished = sorted(then.keys() - now.keys())
    if vanished:
        found.append(Problem("vanished", "", 0, f"{len(vanished)} files are gone", ", ".join(vanished[:5])))
    changed = sorted(name for name in then.keys() & now.keys() if then[name] != now[name])
    if changed:
        found.append(Problem("changed", "", 0, f"{len(changed)} files have other content", ", ".join(changed[:5])))
    dropped = [name for name in before.schema.names if name not in snapshot.schema]
    if dropped:
        message = f"columns are no longer declared: {', '.join(dropped)}"
        found.append(Problem("schema", dropped[0], 0, message))
    return found


def refusals(spec: SourceSpec, snapshot: Snapshot, before: Snapshot | None, checked: Checked) -> list[str]:
    """Why the snapshot as a whole cannot be accepted; empty when it can."""
    found = []
    if not checked.rows:
        found.append(_nothing(snapshot, checked))
    share = checked.quarantined / snapshot.rows if snapshot.rows else 0.0
    if share > spec.tolerate:
        found.append(
            f"{checked.quarantined} of {snapshot.rows} rows are bad ({share:.1%}), tolerated are {spec.tolerate:.1%}"
        )
    if before and snapshot.as_of >= before.as_of and before.rows:
        lost = 1 - snapshot.rows / before.rows
        if lost > max(HALF, spec.tolerate):
            found.append(f"rows shrank from {before.rows} to {snapshot.rows} since the last accepted snapshot")
    return found + stale(spec, snapshot)


def _nothing(snapshot: Snapshot, checked: Checked) -> str:
    if checked.quarantined:
        return "it has no good row"
    return f"it has no row that was known at {show_moment(snapshot.as_of)}"


def stale(spec: SourceSpec, snapshot: Snapshot) -> list[str]:
    """Why the snapshot is not fresh enough; empty when it is."""
    if spec.fresh_within is None or snapshot.last_event is None:
        return []
    if snapshot.as_of - snapshot.last_event <= spec.fresh_within.micros:
        return []
    newest, then = show_moment(snapshot.last_event), show_moment(snapshot.as_of)
    return [f"its newest row is of {newest}, more than {spec.fresh_within} before {then}"]


def copies(spec: SourceSpec, names: Sequence[str], parts: Sequence[FilePart]) -> list[str]:
    """Files with the same rows: without a key nothing else would notice that every row counts twice."""
    if spec.schema.key:
        return []
    first: dict[str, str] = {}
    return [
        f"{name} has the same rows as {earlier}"
        for name, part in zip(names, parts, strict=True)
        if part.good and (earlier := first.setdefault(part.good, name)) != name
    ]
