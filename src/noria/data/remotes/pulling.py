"""A pull: the line of snapshots, the content of the newest, then the name.

A snapshot that is known here already stays as it is here. So what was erased here does not come back: its snapshots
have other content now, and that is what is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
from blake3 import blake3

from noria.core.errors import NotFound
from noria.data.remotes.holdings import Holdings
from noria.data.remotes.model import Diverged, Pointer, Pulled, damaged
from noria.data.remotes.opening import Remote
from noria.data.remotes.pointers import list_pointers, read_pointer
from noria.data.versions.disk import told
from noria.data.versions.manifests import read_manifest, read_page
from noria.data.versions.model import EMPTY, RefKind, Snapshot
from noria.data.versions.names import MAIN
from noria.data.versions.objects import ObjectStore
from noria.data.versions.places import object_store
from noria.data.versions.reading_tree import Progress, silent
from noria.data.versions.refs import create_ref, find_ref, move_branch
from noria.data.versions.snapshots import (
    NoSnapshot,
    ancestors,
    dataset_snapshots,
    ensure_dataset,
    read_snapshots,
    record_snapshot,
)
from noria.workspace.workspace import Workspace


def pull(
    ws: Workspace, remote: Remote, dataset: str, name: str = "", *, whole: bool = False, progress: Progress = silent
) -> Pulled:
    """Bring a branch or tag (`main` without one) here, with the content of its newest snapshot.

    `whole` brings the content of all its snapshots. A pull that was killed is simply run again. Raises NoSnapshot
    naming what the remote has, Diverged when the branch here has commits that the remote's has not (its snapshots
    are here then, to be merged), RemoteDamaged, RemoteAway, StorageFull.
    """
    kind, pointer = _find(remote, dataset, name or MAIN)
    there = Holdings.read(ws, remote)
    store = object_store(ws)
    with store.using():
        line = _line(ws, there, dataset, pointer.snapshot)
        bringing = _Bringing(store, there, progress)
        for snapshot in line if whole else line[:1]:
            bringing.content(snapshot.root, optional=snapshot is not line[0])
        store.flush()
        new = _record(ws, dataset, line, pointer)
    how = _name(ws, dataset, kind, name or MAIN, pointer.snapshot)
    return Pulled(name or MAIN, pointer.snapshot, how, new, bringing.objects, bringing.bytes)


class _Bringing:
    """Objects that are not here, brought and kept."""

    def __init__(self, store: ObjectStore, there: Holdings, progress: Progress) -> None:
        self._store, self._there, self._progress = store, there, progress
        self.objects = self.bytes = 0

    def content(self, root: str, *, optional: bool) -> None:
        """Everything that a manifest refers to; nothing when it is `optional` and the remote lacks it."""
        try:
            self._all([bytes.fromhex(root)])
        except NotFound:
            if optional:
                return
            raise
        manifest = read_manifest(self._store, root)
        self._all(page.digest for page in manifest.pages)
        entries = [entry for page in manifest.pages for entry in read_page(self._store, page)]
        self._all(entry.blake3 for entry in entries if entry.kind in ("file", "program"))

    def _all(self, digests: Iterable[bytes]) -> None:
        missing = [one for one in dict.fromkeys(digests) if not self._here(one)]
        large = [one for one in missing if self._there.alone(one)]
        total = self.objects + len(missing)
        for digest, data in self._there.packed(set(missing) - set(large)):
            self._store.keep(digest, data)
            self._brought(len(data), total)
        for digest in large:
            self._large(digest)
            self._brought(self._there.size(digest), total)

    def _here(self, digest: bytes) -> bool:
        if digest in self._there:
            return self._store.intact(digest, self._there.size(digest))
        return Path(self._store.at(digest)).exists()

    def _large(self, digest: bytes) -> None:
        temporary, hasher = self._store.temporary(), blake3()
        try:
            with told(self._store.root), open(temporary, "wb") as file:  # noqa: PTH123
                for piece in self._there.pieces(digest):
                    hasher.update(piece)
                    file.write(piece)
            if hasher.digest() != digest:
                raise damaged(f"object {digest.hex()[:12]}", "is not what its digest says, or gone")
            self._store.take(temporary, digest)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)  # noqa: PTH108

    def _brought(self, size: int, total: int) -> None:
        self.objects, self.bytes = self.objects + 1, self.bytes + size
        self._progress("bringing objects", self.objects, total)


def _find(remote: Remote, dataset: str, name: str) -> tuple[RefKind, Pointer]:
    kinds: tuple[RefKind, ...] = ("branch", "tag")
    for kind in kinds:
        found = read_pointer(remote, dataset, kind, name)
        if found is not None:
            return kind, found[0]
    there = sorted(name for _, name in list_pointers(remote, dataset))
    hint = "" if there else f"nothing of {dataset} was pushed to {remote}"
    raise NoSnapshot(f"branch or tag of {dataset} on {remote}", name, there, hint=hint)


def _line(ws: Workspace, there: Holdings, dataset: str, head: str) -> list[Snapshot]:
    """`head` and everything it descends from, itself first; those that are known here as they are here."""
    found: dict[str, Snapshot] = {}
    waiting = {head}
    while waiting:
        here = read_snapshots(ws, waiting)
        missing = {there.snapshots[id]: id for id in waiting - here.keys() if id in there.snapshots}
        fresh = {missing[digest]: _read(data, dataset, missing[digest]) for digest, data in there.packed(missing)}
        unknown = waiting - here.keys() - fresh.keys()
        if unknown:
            raise damaged(f"snapshot {min(unknown)[:12]}", "is named and not there")
        found |= here | fresh
        waiting = {parent for one in (here | fresh).values() for parent in one.parents} - found.keys()
    others = sorted((id for id in found if id != head), key=lambda id: (-found[id].at, id))
    return [found[head], *(found[id] for id in others)]


def _read(data: bytes, dataset: str, id: str) -> Snapshot:
    try:
        snapshot = msgspec.json.decode(data, type=Snapshot)
        bytes.fromhex(snapshot.root)
    except (msgspec.DecodeError, ValueError) as error:
        raise damaged(f"snapshot {id[:12]}", f"cannot be read: {error}") from error
    if (snapshot.id, snapshot.dataset) != (id, dataset) or len(snapshot.root) != 64:
        raise damaged(f"snapshot {id[:12]} of {dataset}", f"is {snapshot.id[:12]} of {snapshot.dataset[:80]!r}")
    return snapshot


def _record(ws: Workspace, dataset: str, line: list[Snapshot], pointer: Pointer) -> int:
    """Write the snapshots that are new here; gives how many."""
    known = read_snapshots(ws, [one.id for one in line])
    new = [one for one in line if one.id not in known]
    with ws.database.transaction() as connection:
        ensure_dataset(ws, connection, dataset, pointer.tables)
        for snapshot in new:
            record_snapshot(connection, snapshot)
    return len(new)


def _name(ws: Workspace, dataset: str, kind: RefKind, name: str, head: str) -> str:
    """Make the branch or tag here, or move the branch forward; gives what was done."""
    here = find_ref(ws, dataset, name)
    if here is not None and here.snapshot == head:
        return "already"
    if here is None or kind == "tag":
        create_ref(ws, dataset, kind, name, head)  # a tag that is elsewhere here is told
        return "new"
    known = dataset_snapshots(ws, dataset)
    if head in ancestors(known, [here.snapshot]):
        return "ahead"
    if here.snapshot not in ancestors(known, [head]):
        raise Diverged(
            f"the branch {name!r} of {dataset} is at {here.snapshot[:12]} here and at {head[:12]} on the remote",
            hint=f"both are here now: `noria data merge {dataset} {head[:12]} --into {name}`, then push",
        )
    with ws.database.transaction() as connection:
        move_branch(ws, connection, dataset, name, here.snapshot or EMPTY, head)
    return "forward"
