"""Where a folder stands: what differs from the snapshot it was last equal to, and whether its branch has moved on."""

from __future__ import annotations

import stat as modes
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from noria.data.versions.differences import compare
from noria.data.versions.hashing import hash_file
from noria.data.versions.manifests import as_mapping, read_entries, read_manifest
from noria.data.versions.model import Change, Entry, Kind
from noria.data.versions.objects import ObjectStore
from noria.data.versions.places import object_store
from noria.data.versions.reading_tree import Progress, Reading, read_stats, remember, silent
from noria.data.versions.refs import find_ref
from noria.data.versions.snapshots import get_snapshot
from noria.data.versions.trees import Tree, get_tree, located
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Standing:
    """A tree, the head of its branch (empty: none), and what was changed and not committed.

    A changed or added file whose size told enough has an entry without digests: it was not read.
    """

    tree: Tree
    head: str
    changes: tuple[Change, ...]

    @property
    def behind(self) -> bool:
        """Whether the branch has moved since the folder was checked out."""
        return bool(self.head) and self.head != self.tree.snapshot


def status(ws: Workspace, path: Path, *, progress: Progress = silent) -> Standing:
    """What was changed in the folder; reads only files whose size is as committed and whose times are not.

    Raises NoTree, NoFiles, CannotVersion, FileChanged, UnreadableFile.
    """
    full = located(ws, path)
    tree = get_tree(ws, full)
    ref = find_ref(ws, tree.dataset, tree.branch) if tree.branch else None
    store = object_store(ws)
    base = base_entries(ws, store, tree.snapshot)
    reading = read_stats(ws, full)
    reading.scan.refuse_faults(bytes(full))
    current = current_entries(reading, {path: (entry.size,) for path, entry in base.items()}, progress)
    remember(ws, reading)
    return Standing(tree, ref.snapshot if ref else "", tuple(compare(base, current, renames=False)))


def base_entries(ws: Workspace, store: ObjectStore, snapshot: str) -> dict[bytes, Entry]:
    """The entries of a snapshot by path; none for no snapshot. Raises NoSnapshot, NotFound, Corrupt."""
    if not snapshot:
        return {}
    manifest = read_manifest(store, get_snapshot(ws, snapshot).root)
    return dict(as_mapping(read_entries(store, manifest)))


def current_entries(
    reading: Reading, expected: Mapping[bytes, Container[int]], progress: Progress = silent
) -> dict[bytes, Entry]:
    """What the folder holds by path. A file is hashed only where its size is one of those `expected` at its path."""
    found = {path: row.entry for path, row in reading.rows.items()}
    found.update((entry.path, entry) for entry in reading.scan.others)
    total = len(reading.scan.fresh)
    for done, (path, stat) in enumerate(reading.scan.fresh, 1):
        if stat.st_size in expected.get(path, ()):
            row = hash_file(bytes(reading.path), path, stat, None)
            reading.rows[path] = row
            reading.hashed += 1
            found[path] = row.entry
        else:
            kind: Kind = "program" if stat.st_mode & modes.S_IXUSR else "file"
            found[path] = Entry(path, kind, stat.st_size, b"")
        if not done % 512:
            progress("reading", done, total)
    return found
