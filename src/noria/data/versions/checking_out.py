"""Checkout: a folder becomes what a snapshot says, touching only what differs.

What the user changed and did not commit is never overwritten or removed unless he says so; files that no snapshot
knows are left where they are. A checkout that was broken off is noted, and running it again completes it: a file that
is a beginning of what it was going to be is ours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from noria.core.errors import Conflict
from noria.data.versions.cloning import choose_link
from noria.data.versions.differences import same
from noria.data.versions.disk import told
from noria.data.versions.model import Entry, Snapshot, shown
from noria.data.versions.names import MAIN
from noria.data.versions.objects import ObjectStore
from noria.data.versions.places import object_store
from noria.data.versions.placing import Placer
from noria.data.versions.reading_tree import Progress, Reading, read_stats, silent
from noria.data.versions.refs import find_ref, resolve
from noria.data.versions.removing import clear, remove_entries
from noria.data.versions.standing import base_entries, current_entries
from noria.data.versions.stat_index import Row, save_index
from noria.data.versions.trees import OtherDataset, Tree, alone, find_tree, index_path, located, save_tree
from noria.workspace.workspace import Workspace


class Uncommitted(Conflict):
    """Changes in the folder that were not committed would be lost. `paths` are theirs."""

    code = "N3032"

    def __init__(self, folder: Path, paths: Sequence[bytes]) -> None:
        listed = ", ".join(shown(path) for path in paths[:10]) + (", ..." if len(paths) > 10 else "")
        said = f"{len(paths)} changes in {folder} were not committed and would be lost: {listed}"
        super().__init__(said, hint="commit them first, or lose them with --force")
        self.paths = tuple(paths)


@dataclass(frozen=True)
class CheckedOut:
    """The snapshot that the folder equals now, how files were made, and how many were written, removed and left."""

    snapshot: Snapshot
    branch: str
    path: str
    link: str
    written: int
    removed: int
    unchanged: int


@dataclass(frozen=True)
class _Plan:
    remove: list[Entry]
    write: list[Entry]
    obstacles: list[bytes]
    lost: list[bytes]


def checkout(
    ws: Workspace,
    dataset: str,
    reference: str = "",
    path: Path | None = None,
    *,
    link: str = "auto",
    force: bool = False,
    progress: Progress = silent,
) -> CheckedOut:
    """Make the folder (by default one of the dataset's name beside the project) equal to a snapshot.

    `link` is `auto`, `reflink`, `hardlink` or `copy`. A branch is followed from then on; a tag or an id is not.
    Raises NoDataset, NoSnapshot, Uncommitted, OtherDataset, CannotLink, CannotVersion, NotFound and Corrupt for
    objects that are gone or damaged, StorageFull, Unavailable.
    """
    snapshot = resolve(ws, dataset, reference)
    full = located(ws, path or ws.root / dataset)
    with told(full):
        full.mkdir(parents=True, exist_ok=True)
    store = object_store(ws)
    with store.using(), alone(ws, full):
        tree = _tree(ws, full, dataset, _branch(ws, dataset, reference), force=force)
        target = base_entries(ws, store, snapshot.id)
        base, going = base_entries(ws, store, tree.snapshot), base_entries(ws, store, tree.going)
        reading = read_stats(ws, full)
        reading.scan.refuse_faults(bytes(full))
        current = current_entries(reading, _sizes(target, base, going))
        plan = _plan(target, (base, going), current)
        lost = [one for one in plan.lost if not _half_written(store, reading, going.get(one))]
        if lost and not force:
            raise Uncommitted(full, lost)
        chosen = choose_link(os.fspath(store.root), bytes(full), link)
        save_tree(ws, replace(tree, going=snapshot.id))
        clear(bytes(full), reading.scan.left_over)
        rows = _carry_out(reading, plan, Placer(store, bytes(full), chosen), target, progress)
        save_index(index_path(ws, full), rows, reading.began)
        save_tree(ws, replace(tree, snapshot=snapshot.id, going=""))
    kept = len(target) - len(plan.write)
    return CheckedOut(snapshot, tree.branch, str(full), chosen, len(plan.write), len(plan.remove), kept)


def _tree(ws: Workspace, full: Path, dataset: str, branch: str, *, force: bool) -> Tree:
    tree = find_tree(ws, full)
    if tree is None:
        return Tree(str(full), dataset, branch, "")
    if tree.dataset != dataset and not force:
        said = f"{full} is a checkout of {tree.dataset!r}"
        raise OtherDataset(said, hint="choose another folder, or replace it with --force")
    return replace(tree, dataset=dataset, branch=branch)


def _branch(ws: Workspace, dataset: str, reference: str) -> str:
    ref = find_ref(ws, dataset, reference or MAIN)
    return ref.name if ref is not None and ref.kind == "branch" else ""


def _sizes(*known: Mapping[bytes, Entry]) -> dict[bytes, tuple[int, ...]]:
    sizes: dict[bytes, tuple[int, ...]] = {}
    for entries in known:
        for path, entry in entries.items():
            sizes[path] = (*sizes.get(path, ()), entry.size)
    return sizes


def _plan(
    target: Mapping[bytes, Entry], ours: Sequence[Mapping[bytes, Entry]], current: Mapping[bytes, Entry]
) -> _Plan:
    """What to do; a file that is what one of the snapshots says that are `ours` is nobody's uncommitted change."""
    known = {path for entries in ours for path in entries}

    def committed(path: bytes) -> bool:
        return current[path].kind == "folder" or any(
            path in entries and same(current[path], entries[path]) for entries in ours
        )

    write = [entry for path, entry in sorted(target.items()) if not same(entry, current.get(path))]
    known |= {folder for path in known for folder in parents_of(path) if folder in current}
    remove = [current[path] for path in sorted(known) if path in current and path not in target]
    gone = {entry.path for entry in remove}
    obstacles = _obstacles(write, current, gone)
    touched = [*gone, *obstacles, *(entry.path for entry in write if entry.path in current)]
    return _Plan(remove, write, obstacles, sorted({path for path in touched if not committed(path)}))


def _obstacles(write: Sequence[Entry], current: Mapping[bytes, Entry], gone: set[bytes]) -> list[bytes]:
    """What lies where a folder has to be, or in a folder where a file has to be, and is not going anyway."""
    made = {entry.path for entry in write if entry.kind != "folder"}
    folders = {path for entry in write for path in parents_of(entry.path)}
    found = [path for path in folders if path in current and current[path].kind != "folder" and path not in gone]
    found += [path for path in made if path in current and current[path].kind == "folder" and path not in gone]
    within = (path for path in current if path not in gone and any(one in made for one in parents_of(path)))
    return [*found, *within]


def parents_of(path: bytes) -> list[bytes]:
    """The folders on the way to a path, outermost first, the root left out."""
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]


def _half_written(store: ObjectStore, reading: Reading, going: Entry | None) -> bool:
    """Whether the file at this path is a beginning of what a checkout that was broken off was writing there."""
    if going is None or going.kind not in ("file", "program"):
        return False
    full = bytes(reading.path) + b"/" + going.path
    try:
        size = os.lstat(full).st_size
        with open(full, "rb") as ours, open(store.at(going.blake3), "rb") as whole:  # noqa: PTH123
            return size < going.size and ours.read() == whole.read(size)
    except OSError:
        return False


def _carry_out(
    reading: Reading, plan: _Plan, placer: Placer, target: Mapping[bytes, Entry], progress: Progress
) -> list[Row]:
    root = bytes(reading.path)
    remove_entries(root, plan.remove, {path for path, entry in target.items() if entry.kind == "folder"})
    clear(root, plan.obstacles)
    rows = {path: row for path, row in reading.rows.items() if path in target}
    rows.update((row.entry.path, row) for row in placer.place(plan.write, progress))
    return list(rows.values())
