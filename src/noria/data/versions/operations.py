"""What can be done with versions of data; each takes the workspace first.

    commit    a folder becomes a snapshot        diff       what differs between two snapshots, files and rows
    log       snapshots, newest first            merge      two branches into one
    status    what a folder changed              checkout   a snapshot becomes a folder
    branch, tag, delete                          collect    remove what nobody can ask for

`NAME@REFERENCE` addresses a snapshot: a branch, a tag or the beginning of an id, with `~N` to go back.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from noria.data.versions.checking_out import CheckedOut, Uncommitted, checkout
from noria.data.versions.collecting import Collected, collect
from noria.data.versions.committing import Committed, commit
from noria.data.versions.describing import parse_spec
from noria.data.versions.differences import compare_manifests
from noria.data.versions.manifests import read_entries, read_manifest
from noria.data.versions.merging import MergeConflict, Merged, merge
from noria.data.versions.model import Diff, Entry, Manifest, Ref, RefKind, Snapshot, TableDiff
from noria.data.versions.names import split_address
from noria.data.versions.objects import ObjectStore
from noria.data.versions.pins import Pin, list_pins, note_use, pin, unpin
from noria.data.versions.places import object_store, used_folder
from noria.data.versions.reading_tree import Progress, silent
from noria.data.versions.refs import create_ref, delete_ref, list_refs, resolve
from noria.data.versions.rows import SHOWN, compare_tables
from noria.data.versions.snapshots import dataset_names, dataset_snapshots, history
from noria.data.versions.standing import Standing, status
from noria.workspace.workspace import Workspace

__all__ = [
    "CheckedOut", "Collected", "Committed", "MergeConflict", "Merged", "Pin", "Progress", "Standing", "Uncommitted",
    "address", "branch", "checkout", "collect", "commit", "dataset_names", "delete_ref", "diff", "list_pins",
    "list_refs", "log", "manifest_of", "merge", "note_use", "parse_spec", "pin", "resolve", "silent", "status", "tag",
    "unpin", "use",
]  # fmt: skip


def address(ws: Workspace, text: str) -> Snapshot:
    """The snapshot that `NAME@REFERENCE` names. Raises NoDataset, NoSnapshot, BadInput."""
    return resolve(ws, *split_address(text))


def log(ws: Workspace, dataset: str, reference: str = "", limit: int | None = None) -> list[Snapshot]:
    """Snapshots from a reference back, newest first. Raises NoDataset, NoSnapshot."""
    head = resolve(ws, dataset, reference)
    return list(islice(history(dataset_snapshots(ws, dataset), [head.id]), limit))


def branch(ws: Workspace, dataset: str, name: str, at: str = "") -> Ref:
    """Make a branch at a reference (`main` without one). Raises RefMoved when the name is taken, NoSnapshot."""
    return _named(ws, dataset, "branch", name, at)


def tag(ws: Workspace, dataset: str, name: str, at: str = "") -> Ref:
    """Make a tag, which never moves. Raises RefMoved when the name is taken, NoSnapshot."""
    return _named(ws, dataset, "tag", name, at)


def diff(ws: Workspace, old: Snapshot, new: Snapshot, *, rows: bool = True, limit: int = SHOWN) -> Diff:
    """What differs between two snapshots: paths, and the rows of tables that have a key on both sides.

    `limit` is how many rows of each table are told. Raises NoKey, NotFound, Corrupt.
    """
    store = object_store(ws)
    with store.using():
        before, after = read_manifest(store, old.root), read_manifest(store, new.root)
        changes = tuple(compare_manifests(store, before, after))
        changed = {change.path for change in changes} | {change.old.path for change in changes if change.old}
        tables = _compare_tables(store, before, after, changed, limit) if rows and changes else ()
    return Diff(changes, tuple(tables))


def manifest_of(ws: Workspace, snapshot: Snapshot) -> tuple[Manifest, list[Entry]]:
    """A snapshot's manifest and its entries by path. Raises NotFound, Corrupt."""
    store = object_store(ws)
    manifest = read_manifest(store, snapshot.root)
    return manifest, list(read_entries(store, manifest))


def use(
    ws: Workspace, name: str, *, run: str = "", path: Path | None = None, context: str = "training",
    progress: Progress = silent,
) -> CheckedOut:  # fmt: skip
    """Check out `NAME@REFERENCE` for a training, note that the `run` used it, and keep the snapshot for it.

    Raises what `checkout` does, RunMissing, NotActive.
    """
    dataset, reference = split_address(name)
    snapshot = resolve(ws, dataset, reference)
    if run:
        note_use(ws, run, snapshot, context)
    folder = path or used_folder(ws) / dataset / snapshot.id[:16]
    return checkout(ws, dataset, snapshot.id, folder, progress=progress)


def _named(ws: Workspace, dataset: str, kind: RefKind, name: str, at: str) -> Ref:
    return create_ref(ws, dataset, kind, name, resolve(ws, dataset, at).id)


def _compare_tables(
    store: ObjectStore, old: Manifest, new: Manifest, changed: set[bytes], limit: int
) -> Sequence[TableDiff]:
    before = {table.name: table for table in old.tables}
    both = [(before[table.name], table) for table in new.tables if table.name in before]
    touched = [(one, other) for one, other in both if changed & {*one.files, *other.files}]
    if not touched:
        return []
    entries = [{entry.path: entry for entry in read_entries(store, manifest)} for manifest in (old, new)]
    return [compare_tables(store, (one, entries[0]), (other, entries[1]), limit) for one, other in touched]
