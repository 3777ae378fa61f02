"""Versions of data without a subject: every snapshot that held its rows gets a manifest of what is left.

A snapshot keeps its id, its parents and its place under branches and tags, so that what refers to it can be read; its
manifest, and so the content, is another one. Objects that held the rows are removed at once. Checked-out folders lose
the rows, too: they share their files with the objects.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import NotFound
from noria.data.tables import data_versions
from noria.data.versions.describing import describe_tables
from noria.data.versions.hashing import digests_of
from noria.data.versions.manifests import read_entries, read_manifest, write_manifest
from noria.data.versions.model import Entry, Manifest, Snapshot, TableEntry
from noria.data.versions.objects import ObjectStore
from noria.data.versions.operations import dataset_names
from noria.data.versions.places import object_store
from noria.data.versions.snapshots import dataset_snapshots, table_specs
from noria.data.versions.trees import all_trees
from noria.erasure.model import Place, Subject
from noria.erasure.rows import NotRows, without_rows
from noria.workspace.workspace import Workspace


def erase_versions(ws: Workspace, subject: Subject) -> list[Place]:
    """Rewrite every snapshot of every dataset, then the folders that were checked out from them.

    Raises CollectionBusy while a commit or a checkout runs.
    """
    if not (ws.settings.home / "data" / "objects").exists():
        return []
    store, places = object_store(ws), []
    with store.collecting():
        files = _Files(store, ws.folder("tmp"), subject)
        roots: set[str] = set()
        for dataset in dataset_names(ws):
            for snapshot in dataset_snapshots(ws, dataset).values():
                if found := _erase_snapshot(ws, store, files, snapshot):
                    places.append(Place("data version", f"{dataset}@{snapshot.id[:12]}", found, "rows removed"))
                    roots.add(snapshot.root)
        store.flush()
        for digest in {*files.gone(), *map(bytes.fromhex, roots)}:
            store.remove(digest)
    return places + [place for tree in all_trees(ws) for place in erase_folder(Path(tree.path), subject)]


def erase_folder(folder: Path, subject: Subject) -> Iterator[Place]:
    """Take the subject's rows out of every table below a folder; each is written beside itself and put in its place."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()):
        if found := erase_file(path, subject):
            yield Place("table", path.as_posix(), found, "rows removed")


def erase_file(path: Path, subject: Subject) -> int:
    """Take the subject's rows out of one file; gives how many. What is no table is left as it is."""
    fresh = path.with_name(f".{path.name}.erasing")
    try:
        found = rows_gone(path, fresh, subject)
        if found:
            shutil.copymode(path, fresh)
            fresh.replace(path)
        return found
    finally:
        fresh.unlink(missing_ok=True)


def rows_gone(path: Path, target: Path, subject: Subject) -> int:
    """`without_rows`, and 0 for what is no table: the reading afterwards tells whether it names the subject."""
    try:
        return without_rows(path, target, subject)
    except NotRows:
        return 0


class _Files:
    """The objects of files: each looked at once, and written again when it has rows of the subject."""

    def __init__(self, store: ObjectStore, scratch: Path, subject: Subject) -> None:
        self._store, self._scratch, self._subject = store, scratch, subject
        self._known: dict[bytes, tuple[int, bytes, bytes, int]] = {}

    def without(self, entry: Entry) -> tuple[Entry, int]:
        """The entry without the subject's rows, and how many there were."""
        if entry.kind not in ("file", "program"):
            return entry, 0
        if entry.blake3 not in self._known:
            self._known[entry.blake3] = self._written(entry)
        found, blake3, md5, size = self._known[entry.blake3]
        return (msgspec.structs.replace(entry, blake3=blake3, md5=md5, size=size), found) if found else (entry, 0)

    def gone(self) -> Iterator[bytes]:
        """The objects that must go."""
        return (digest for digest, (found, *_) in self._known.items() if found)

    def _written(self, entry: Entry) -> tuple[int, bytes, bytes, int]:
        fresh = self._scratch / f"{entry.blake3.hex()}.erasing"
        try:
            found = rows_gone(Path(self._store.at(entry.blake3)), fresh, self._subject)
            if not found:
                return 0, b"", b"", 0
            blake3, md5, size = digests_of(os.fspath(fresh))
            self._store.take(os.fspath(fresh), blake3)
            return found, blake3, md5, size
        except FileNotFoundError:  # collected long ago
            return 0, b"", b"", 0
        finally:
            fresh.unlink(missing_ok=True)


def _erase_snapshot(ws: Workspace, store: ObjectStore, files: _Files, snapshot: Snapshot) -> int:
    try:
        manifest = read_manifest(store, snapshot.root)
        old = list(read_entries(store, manifest))
    except NotFound:
        return 0
    pairs = [files.without(entry) for entry in old]
    found = sum(count for _, count in pairs)
    if found:
        new = [entry for entry, _ in pairs]
        root, written = write_manifest(store, new, _described(ws, store, snapshot, manifest, old, new))
        changed = replace(snapshot, root=root, size=written.size)
        query = sa.update(data_versions).where(data_versions.c.id == snapshot.id)
        with ws.database.transaction() as connection:
            connection.execute(query.values(root=root, value=canonical(changed)))
    return found


def _described(
    ws: Workspace, store: ObjectStore, snapshot: Snapshot, manifest: Manifest, old: list[Entry], new: list[Entry]
) -> list[TableEntry]:
    before = {table.name: table for table in manifest.tables}
    specs = [spec for spec in table_specs(ws, snapshot.dataset) if spec.name in before]
    return list(describe_tables(store, specs, new, before, {entry.path: entry for entry in old}))
