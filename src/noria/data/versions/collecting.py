"""Collection: objects that no snapshot needs which anybody can still ask for are removed.

Needed is what branches and tags reach, back through every parent or as many as asked for; what runs and models have
pinned; and what the folders of this machine were checked out from. Rows of snapshots stay for ever, so that a lineage
can be read when the content is gone. No commit, checkout or transfer runs meanwhile (see `ObjectStore.collecting`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from noria.core.errors import BadInput, NotFound
from noria.data.tables import data_refs
from noria.data.versions.manifests import object_digests, read_manifest, read_page
from noria.data.versions.model import Snapshot
from noria.data.versions.objects import ObjectStore
from noria.data.versions.pins import list_pins
from noria.data.versions.places import object_store
from noria.data.versions.reading_tree import Progress, silent
from noria.data.versions.snapshots import read_snapshots
from noria.data.versions.trees import all_trees
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Collected:
    """How many snapshots are needed, how many objects stay, and how many went (or would), with their bytes."""

    snapshots: int
    kept: int
    removed: int
    bytes: int
    dry: bool


def collect(
    ws: Workspace, *, dry_run: bool = False, history: int | None = None, progress: Progress = silent
) -> Collected:
    """Remove what nobody can ask for any more; with `dry_run`, only count it.

    `history` is how many snapshots of each branch and tag are kept, the newest first; without it, all of them.
    Raises CollectionBusy while something uses the objects, BadInput.
    """
    if history is not None and history < 1:
        raise BadInput(f"the history to keep is at least 1 snapshot, not {history}")
    store = object_store(ws)
    with store.collecting():
        needed = needed_snapshots(ws, history)
        live = _live(store, needed.values(), progress)
        kept, removed, size = 0, 0, 0
        for digest, length in store.all():
            if digest in live:
                kept += 1
                continue
            removed, size = removed + 1, size + length
            if not dry_run:
                store.remove(digest)
            if not removed % 512:
                progress("removing", removed, 0)
        if not dry_run:
            for path in store.left_over():
                Path(path).unlink(missing_ok=True)
            _tell(ws, removed, size)
    return Collected(len(needed), kept, removed, size, dry_run)


def needed_snapshots(ws: Workspace, history: int | None = None) -> dict[str, Snapshot]:
    """The snapshots that may still be asked for, by id."""
    found: dict[str, Snapshot] = {}
    waiting, depth = _heads(ws), 0
    while waiting and (history is None or depth < history):
        read = read_snapshots(ws, waiting)
        found |= read
        waiting = {parent for one in read.values() for parent in one.parents} - found.keys()
        depth += 1
    return found | read_snapshots(ws, _held(ws) - found.keys())


def _heads(ws: Workspace) -> set[str]:
    with ws.database.reading() as connection:
        return set(connection.execute(sa.select(data_refs.c.snapshot).distinct()).scalars())


def _held(ws: Workspace) -> set[str]:
    there = [tree for tree in all_trees(ws) if Path(tree.path).is_dir()]
    trees = {id for tree in there for id in (tree.snapshot, tree.going) if id}
    return {one.snapshot for one in list_pins(ws)} | trees


def _live(store: ObjectStore, snapshots: Iterable[Snapshot], progress: Progress) -> set[bytes]:
    """The digests of everything that these snapshots consist of; pages that they share are read once."""
    live: set[bytes] = set()
    roots = sorted({snapshot.root for snapshot in snapshots})
    for done, root in enumerate(roots, 1):
        with suppress(NotFound):  # a snapshot that was never pulled here, or collected by a shorter history
            manifest = read_manifest(store, root)
            for page in manifest.pages:
                if page.digest not in live:
                    live.update(entry.blake3 for entry in read_page(store, page))
            live.update(object_digests(root, manifest))
        progress("marking", done, len(roots))
    return live


def _tell(ws: Workspace, removed: int, size: int) -> None:
    if removed:
        with ws.database.transaction() as connection:
            ws.journal.append(connection, Fact("DataCollected", "objects", {"objects": removed, "bytes": size}))
