"""Commit: what a folder holds becomes a snapshot, and a branch moves to it.

The order makes a crash harmless: objects, manifest, one flush of the disk, then one transaction with the snapshot,
the branch and the journal, and last the notes about the folder, which a later command can find out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from noria.data.versions.describing import describe_tables
from noria.data.versions.manifests import as_mapping, read_entries, read_manifest, write_manifest
from noria.data.versions.model import EMPTY, Entry, Manifest, Origin, Snapshot, TableSpec
from noria.data.versions.names import MAIN, check_name, clashes, refuse_clashes
from noria.data.versions.objects import ObjectStore
from noria.data.versions.pins import pin_within
from noria.data.versions.places import object_store
from noria.data.versions.reading_tree import Progress, Reading, keep_again, read_tree, remember, silent
from noria.data.versions.refs import RefMoved, find_ref, move_branch, resolve
from noria.data.versions.snapshots import (
    ensure_dataset,
    get_snapshot,
    make_snapshot,
    record_snapshot,
    table_specs,
)
from noria.data.versions.trees import OtherDataset, Tree, alone, find_tree, located, save_tree
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Committed:
    """The snapshot; whether it is a new one (False: nothing had changed); what was hashed and what it holds.

    `clashes` are pairs of paths that a system which ignores case would take for one.
    """

    snapshot: Snapshot
    branch: str
    new: bool
    hashed: int
    clashes: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class _Base:
    """What a commit starts from: the snapshot (None: nothing), its manifest and entries."""

    snapshot: Snapshot | None
    manifest: Manifest
    entries: dict[bytes, Entry]


def commit(
    ws: Workspace,
    path: Path,
    dataset: str = "",
    *,
    branch: str = "",
    origin: Origin | None = None,
    tables: Sequence[TableSpec] = (),
    portable: bool = False,
    verify: bool = False,
    progress: Progress = silent,
) -> Committed:
    """Make a snapshot of the folder and move the branch to it; a dataset or branch that is not there is made.

    `dataset` is by default the one that the folder is a checkout of, else the folder's name; `branch` likewise, else
    `main`. `tables` declares tables for this and every later commit. `portable` refuses names that differ only in
    case. `verify` looks whether every object is still whole, and mends those that are not from the folder.

    Raises RefMoved when the branch is no longer where the folder was checked out, OtherDataset, BadName, NameClash,
    BadTable, NoFiles, CannotVersion, FileChanged, UnreadableFile, StorageFull, Unavailable. Nothing is changed then.
    """
    full = located(ws, path)
    store = object_store(ws)
    with store.using(), alone(ws, full):
        tree = _tree_for(find_tree(ws, full), full, dataset, branch)
        base, expected = _base(ws, store, tree)
        reading = read_tree(ws, full, store, progress)
        _keep_all(ws, store, reading, base, verify=verify)
        entries = reading.entries()
        found = clashes(entry.path for entry in entries) if reading.hashed or base.snapshot is None or portable else []
        if portable:
            refuse_clashes(found)
        progress("writing", 0, 1)
        specs = tuple(tables) or table_specs(ws, tree.dataset)
        described = describe_tables(
            store, specs, entries, {one.name: one for one in base.manifest.tables}, base.entries
        )
        root, manifest = write_manifest(store, entries, described)
        snapshot, new = _snapshot(ws, tree, base, root, manifest, origin or Origin(), expected)
        if new:
            store.flush()
            _record(ws, tree, snapshot, expected, tables)
        save_tree(ws, replace(tree, snapshot=snapshot.id))
    progress("writing", 1, 1)
    return Committed(snapshot, tree.branch, new, reading.hashed, tuple(found))


def _tree_for(known: Tree | None, full: Path, dataset: str, branch: str) -> Tree:
    if known is not None and known.going:
        said = f"a checkout of {known.dataset}@{known.going[:12]} into {full} was broken off"
        raise OtherDataset(said, hint="run that checkout again first")
    if known is None or (dataset and dataset != known.dataset):
        if known is not None:
            said = f"{full} is a checkout of {known.dataset!r}, not of {dataset!r}"
            raise OtherDataset(said, hint=f"commit it to {known.dataset!r}, or copy it to a folder of its own")
        name = check_name("dataset", dataset or full.name)
        return Tree(str(full), name, branch or MAIN, "")
    return replace(known, branch=check_name("branch", branch or known.branch or MAIN))


def _base(ws: Workspace, store: ObjectStore, tree: Tree) -> tuple[_Base, str]:
    """What the folder was last equal to, else the head of the branch; and where the branch has to be."""
    ref = find_ref(ws, tree.dataset, tree.branch)
    if ref is not None and ref.kind == "tag":
        raise RefMoved(f"{tree.branch!r} is a tag", ref.snapshot, hint="commit to a branch")
    head = ref.snapshot if ref else ""
    start = tree.snapshot or head
    if not start:
        return _Base(None, Manifest(()), {}), EMPTY
    snapshot = get_snapshot(ws, start)
    manifest = read_manifest(store, snapshot.root)
    entries = dict(as_mapping(read_entries(store, manifest)))
    return _Base(snapshot, manifest, entries), start if head else EMPTY


def _keep_all(ws: Workspace, store: ObjectStore, reading: Reading, base: _Base, *, verify: bool) -> None:
    """See that every object is there: a file may have been hashed before without being kept."""
    kept = set() if verify else {entry.blake3 for entry in base.entries.values()}
    same = (row.entry for row in reading.scan.same)
    keep_again(
        reading,
        store,
        [one.path for one in same if one.blake3 not in kept and not store.intact(one.blake3, one.size)],
    )
    remember(ws, reading)


def _snapshot(
    ws: Workspace, tree: Tree, base: _Base, root: str, manifest: Manifest, origin: Origin, expected: str
) -> tuple[Snapshot, bool]:
    """The snapshot, and whether it has to be recorded: content that the branch has already is no new one."""
    unchanged = base.snapshot is not None and base.snapshot.root == root
    if unchanged and base.snapshot:
        return base.snapshot, expected == EMPTY  # to a branch that is not there yet it is news
    if expected != EMPTY:
        head = resolve(ws, tree.dataset, tree.branch)
        if head.root == root:  # committed before, and broken off before the folder's notes were written
            return head, False
    parents = (base.snapshot.id,) if base.snapshot else ()
    return make_snapshot(ws, tree.dataset, root, manifest, parents, origin), True


def _record(ws: Workspace, tree: Tree, snapshot: Snapshot, expected: str, tables: Sequence[TableSpec]) -> None:
    with ws.database.transaction() as connection:
        ensure_dataset(ws, connection, tree.dataset, tables)
        write_commit(ws, connection, snapshot)
        move_branch(ws, connection, tree.dataset, tree.branch, expected, snapshot.id)


def write_commit(ws: Workspace, connection: sa.Connection, snapshot: Snapshot) -> None:
    """Write a new snapshot, its pin by the run that made it, and the fact, inside the caller's transaction."""
    record_snapshot(connection, snapshot)
    origin = snapshot.origin
    if origin.run:
        pin_within(ws, connection, snapshot.id, f"run:{origin.run}")
    told = {"snapshot": snapshot.id, "root": snapshot.root, "files": snapshot.files, "bytes": snapshot.size,
            "parents": list(snapshot.parents), "message": origin.message, "run": origin.run, "code": origin.code,
            "inputs": list(origin.inputs)}  # fmt: skip
    ws.journal.append(connection, Fact("DataCommitted", f"dataset:{snapshot.dataset}", told))
