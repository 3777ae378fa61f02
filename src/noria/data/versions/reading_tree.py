"""A tree read: every entry that it holds now, with only changed files hashed, and the index brought up to date."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from noria.data.versions.disk import filesystem_now, told
from noria.data.versions.hashing import hash_file
from noria.data.versions.model import Entry
from noria.data.versions.objects import ObjectStore
from noria.data.versions.scanning import Scan, scan
from noria.data.versions.stat_index import Row, load_index, save_index
from noria.data.versions.trees import index_path
from noria.workspace.workspace import Workspace

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many of it are done, and how many there are in all."""

_EVERY = 512


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@dataclass
class Reading:
    """What a tree holds: the scan, rows by path of every file that is known, and when the hashing began.

    `began` is in nanoseconds by the clock that stamps files; a file changed at or after it is not to be trusted.
    """

    path: Path
    scan: Scan
    began: int
    rows: dict[bytes, Row] = field(default_factory=dict)
    hashed: int = 0

    def entries(self) -> list[Entry]:
        """Everything that is known, sorted by path."""
        found = [row.entry for row in self.rows.values()]
        found += self.scan.others
        found.sort(key=_path)
        return found


def read_stats(ws: Workspace, path: Path) -> Reading:
    """Look at every file, open none."""
    home = ws.settings.home / "data"
    with told(home):
        home.mkdir(parents=True, exist_ok=True)
        began = filesystem_now(home)
    index = load_index(index_path(ws, path))
    found = scan(bytes(path), index, ws.settings.home)
    return Reading(path, found, began, {row.entry.path: row for row in found.same})


def read_tree(ws: Workspace, path: Path, store: ObjectStore | None, progress: Progress = silent) -> Reading:
    """Look at every file and hash what changed, keeping it in `store` when there is one.

    Raises NoFiles, CannotVersion, FileChanged, UnreadableFile, StorageFull, Unavailable; the index keeps what was
    hashed until then.
    """
    reading = read_stats(ws, path)
    reading.scan.refuse_faults(bytes(path))
    try:
        hash_fresh(reading, store, progress)
    finally:
        remember(ws, reading)
    return reading


def hash_fresh(reading: Reading, store: ObjectStore | None, progress: Progress = silent) -> None:
    """Hash the files that the index does not know."""
    root, total = bytes(reading.path), len(reading.scan.fresh)
    with store.opened() if store is not None else nullcontext():
        for path, stat in sorted(reading.scan.fresh, key=_first):
            reading.rows[path] = hash_file(root, path, stat, store)
            reading.hashed += 1
            if not reading.hashed % _EVERY:
                progress("hashing", reading.hashed, total)
    progress("hashing", total, total)


def remember(ws: Workspace, reading: Reading) -> None:
    """Write the index, if the reading learned anything that it lacks."""
    if reading.hashed:
        save_index(index_path(ws, reading.path), reading.rows.values(), reading.began)


def keep_again(reading: Reading, store: ObjectStore, paths: Iterable[bytes]) -> None:
    """Read files once more whose objects are gone or damaged, though the files are as they were."""
    root = bytes(reading.path)
    for path in paths:
        reading.rows[path] = hash_file(root, path, os.lstat(root + b"/" + path), store)
        reading.hashed += 1


def _path(entry: Entry) -> bytes:
    return entry.path


def _first(pair: tuple[bytes, object]) -> bytes:
    return pair[0]
