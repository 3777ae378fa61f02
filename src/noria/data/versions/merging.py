"""Three-way merge: what each of two snapshots changed since their common ancestor, in one snapshot.

By path; a table with a key by its rows, where both sides changed its files. Either everything fits, and a branch moves
to the merged snapshot by compare-and-set, or every conflict is listed and nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from noria.core.errors import Conflict
from noria.data.versions.committing import write_commit
from noria.data.versions.describing import describe_tables
from noria.data.versions.differences import same
from noria.data.versions.hashing import digests_of
from noria.data.versions.manifests import as_mapping, read_entries, read_manifest, write_manifest
from noria.data.versions.merging_rows import MergedRows, RowConflict, State, merge_rows
from noria.data.versions.model import Entry, Manifest, Origin, Snapshot, TableEntry, shown
from noria.data.versions.names import MAIN
from noria.data.versions.objects import ObjectStore
from noria.data.versions.places import object_store
from noria.data.versions.refs import RefMoved, find_ref, move_branch, resolve
from noria.data.versions.snapshots import common_ancestor, dataset_snapshots, make_snapshot, table_specs
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace

Side = Literal["", "ours", "theirs"]
"""Whose version of a path in conflict is taken; empty: nobody's."""


@dataclass(frozen=True)
class PathConflict:
    """A path that cannot be merged, why, and what each side has there."""

    path: bytes
    why: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


class MergeConflict(Conflict):
    """Two snapshots cannot be merged as they are; nothing was written."""

    code = "N3034"

    def __init__(self, what: str, paths: Sequence[PathConflict], rows: Sequence[RowConflict], count: int) -> None:
        lines = [f"  - {shown(one.path)}: {one.why}" for one in paths[:20]]
        lines += [f"  - table {one.table}, row {_pairs(one.key)}: {_crossing(one)}" for one in rows[:20]]
        total = len(paths) + count
        more = f"\n  - and {total - len(lines)} more" if total > len(lines) else ""
        hint = "take one side with --take ours or --take theirs, or mend one of them and merge again"
        super().__init__(f"{what} conflict in {total} places:\n" + "\n".join(lines) + more, hint=hint)
        self.paths, self.rows, self.count = tuple(paths), tuple(rows), count


@dataclass(frozen=True)
class Merged:
    """The snapshot that the branch is at now, and how it came there."""

    snapshot: Snapshot
    branch: str
    how: Literal["already", "forward", "merged"]
    tables: tuple[str, ...] = ()


@dataclass
class _Side:
    """One of the three states."""

    manifest: Manifest
    entries: dict[bytes, Entry]

    def table(self, name: str) -> State | None:
        """A table by its name, with the entries of its files."""
        found = next((one for one in self.manifest.tables if one.name == name), None)
        return None if found is None else (found, self.entries)


@dataclass
class _Result:
    """What comes of it."""

    entries: dict[bytes, Entry] = field(default_factory=dict)
    paths: list[PathConflict] = field(default_factory=list)
    rows: list[RowConflict] = field(default_factory=list)
    count: int = 0
    tables: list[str] = field(default_factory=list)


def merge(ws: Workspace, dataset: str, theirs: str, into: str = MAIN, *, take: Side = "", message: str = "") -> Merged:
    """Merge what `theirs` names into the branch `into`.

    Raises MergeConflict, RefMoved when the branch moves meanwhile or is a tag, NoSnapshot, NoDataset, StorageFull.
    Nothing is changed then.
    """
    ref = find_ref(ws, dataset, into)
    ours, other = resolve(ws, dataset, into), resolve(ws, dataset, theirs)
    if ref is None or ref.kind != "branch":
        raise RefMoved(f"{into!r} is no branch", ours.id, hint="a merge moves a branch; name one")
    known = dataset_snapshots(ws, dataset)
    base = common_ancestor(known, ours.id, other.id)
    if base == other.id:
        return Merged(ours, into, "already")
    if base == ours.id:
        with ws.database.transaction() as connection:
            move_branch(ws, connection, dataset, into, ours.id, other.id)
        return Merged(other, into, "forward")
    store = object_store(ws)
    with store.using():
        sides = [_side(store, known.get(id or "")) for id in (base, ours.id, other.id)]
        result = _merge(store, *sides, take=take)
        if result.paths or result.rows:
            raise MergeConflict(f"{into} and {theirs}", result.paths, result.rows, result.count)
        entries = [entry for _, entry in sorted(result.entries.items())]
        before = {one.name: one for one in sides[1].manifest.tables}
        described = describe_tables(store, table_specs(ws, dataset), entries, before, sides[1].entries)
        root, manifest = write_manifest(store, entries, described)
        origin = Origin(message or f"merge {theirs} into {into}")
        snapshot = make_snapshot(ws, dataset, root, manifest, (ours.id, other.id), origin)
        store.flush()
        with ws.database.transaction() as connection:
            write_commit(ws, connection, snapshot)
            move_branch(ws, connection, dataset, into, ours.id, snapshot.id)
            told = {"into": into, "theirs": other.id, "snapshot": snapshot.id, "tables": result.tables}
            ws.journal.append(connection, Fact("DataMerged", f"dataset:{dataset}", told))
    return Merged(snapshot, into, "merged", tuple(result.tables))


def _side(store: ObjectStore, snapshot: Snapshot | None) -> _Side:
    if snapshot is None:  # two histories without a common ancestor
        return _Side(Manifest(()), {})
    manifest = read_manifest(store, snapshot.root)
    return _Side(manifest, dict(as_mapping(read_entries(store, manifest))))


def _merge(store: ObjectStore, base: _Side, ours: _Side, theirs: _Side, *, take: Side) -> _Result:
    result = _Result()
    done = _merge_tables(store, base, ours, theirs, result, take)
    for path in sorted(base.entries.keys() | ours.entries.keys() | theirs.entries.keys()):
        if path not in done:
            _merge_path(result, base.entries.get(path), ours.entries.get(path), theirs.entries.get(path), take)
    _refuse_overlaps(result, base, ours, theirs)
    return result


def _merge_path(result: _Result, base: Entry | None, ours: Entry | None, theirs: Entry | None, take: Side) -> None:
    if same(ours, theirs) or same(theirs, base):
        chosen = ours
    elif same(ours, base):
        chosen = theirs
    elif take:
        chosen = ours if take == "ours" else theirs
    else:
        entry = ours or theirs
        assert entry is not None
        why = "changed on both sides" if ours and theirs else "removed on one side, changed on the other"
        why = "added on both sides with different content" if base is None else why
        result.paths.append(PathConflict(entry.path, why, base, ours, theirs))
        return
    if chosen is not None:
        result.entries[chosen.path] = chosen


def _merge_tables(
    store: ObjectStore, base: _Side, ours: _Side, theirs: _Side, result: _Result, take: Side
) -> set[bytes]:
    """Merge by rows those tables whose files both sides changed; gives the paths that are settled by it."""
    done: set[bytes] = set()
    for table in ours.manifest.tables:
        states = [side.table(table.name) for side in (base, ours, theirs)]
        if None in states or not table.key:
            continue
        three: list[State] = [state for state in states if state is not None]
        paths = {path for state in three for path in state[0].files}
        if done & paths or not _crossing_files(paths, base, ours, theirs):
            continue
        merged = merge_rows(store, *three)
        if merged.why or (merged.count and take):
            continue  # by path then, which finds the conflict or takes a side
        done |= paths
        _settle(store, table, three, merged, result)
    return done


def _settle(store: ObjectStore, table: TableEntry, three: list[State], merged: MergedRows, result: _Result) -> None:
    result.rows += merged.conflicts
    result.count += merged.count
    if merged.file:
        path = _place_of(table, three)
        digest, md5, size = digests_of(merged.file)
        try:
            store.take(merged.file, digest)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(merged.file)  # noqa: PTH108
        result.entries[path] = Entry(path, "file", size, digest, md5)
        result.tables.append(table.name)


def _place_of(table: TableEntry, three: list[State]) -> bytes:
    """Where the merged rows go: to the table's file, when it is one, else to the first of ours."""
    return min(set(table.files), default=min(path for state in three for path in state[0].files))


def _crossing_files(paths: set[bytes], base: _Side, ours: _Side, theirs: _Side) -> bool:
    """Whether both sides changed a table's files, and not alike."""

    def differ(one: _Side, other: _Side) -> bool:
        return any(not same(one.entries.get(path), other.entries.get(path)) for path in paths)

    return differ(base, ours) and differ(base, theirs) and differ(ours, theirs)


def _refuse_overlaps(result: _Result, base: _Side, ours: _Side, theirs: _Side) -> None:
    """One side made a folder where the other made a file; an empty folder simply goes when something is in it."""
    for path in list(result.entries):
        parts = path.split(b"/")
        for count in range(1, len(parts)):
            above = b"/".join(parts[:count])
            found = result.entries.get(above)
            if found is not None and found.kind == "folder":
                del result.entries[above]
            elif found is not None:
                sides = [side.entries.get(above) for side in (base, ours, theirs)]
                conflict = PathConflict(above, "a file on one side, a folder on the other", *sides)
                if conflict not in result.paths:
                    result.paths.append(conflict)


def _pairs(key: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in key.items())


def _crossing(row: RowConflict) -> str:
    if row.ours is None or row.theirs is None:
        return "removed on one side, changed on the other"
    names = [
        name for name, value in row.ours.items()
        if value != row.theirs[name] and (row.base is None or (value != row.base[name] != row.theirs[name]))
    ]  # fmt: skip
    return "; ".join(f"{name} is {row.ours[name]!r} here, {row.theirs[name]!r} there" for name in names[:4])
