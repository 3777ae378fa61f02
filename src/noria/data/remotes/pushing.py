"""A push: what the remote lacks, then the names. Old snapshots go before new ones, content before what refers to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from noria.core.errors import NotFound
from noria.data.remotes.holdings import Holdings
from noria.data.remotes.model import Pointer, Pushed, RemoteMoved
from noria.data.remotes.opening import Remote
from noria.data.remotes.packing import SMALL, Packer
from noria.data.remotes.pointers import move_pointer, read_pointer
from noria.data.versions.manifests import read_manifest, read_page
from noria.data.versions.model import Ref, Snapshot
from noria.data.versions.objects import ObjectStore
from noria.data.versions.places import object_store
from noria.data.versions.reading_tree import Progress, silent
from noria.data.versions.refs import list_refs
from noria.data.versions.snapshots import NoSnapshot, ancestors, dataset_snapshots, history, table_specs
from noria.workspace.workspace import Workspace


def push(
    ws: Workspace, remote: Remote, dataset: str, names: Sequence[str] = (), *, progress: Progress = silent
) -> Pushed:
    """Send branches and tags (without `names`, all of them) with everything they descend from.

    A branch moves only forward, and a tag never. A push that was killed is simply run again. Raises NoDataset,
    NoSnapshot, RemoteMoved (nothing is lost: pull, merge, push), NotFound and Corrupt for content that is not here
    or damaged, RemoteAway, RemoteDamaged.
    """
    refs = _chosen(ws, dataset, names)
    known = dataset_snapshots(ws, dataset)
    tags = {ref.name: _allowed(remote, ref, known) for ref in refs}
    store = object_store(ws)
    with store.using():
        sending = _Sending(store, remote, Holdings.read(ws, remote), progress)
        line = list(history(known, [ref.snapshot for ref in refs]))
        for snapshot in reversed(line):
            sending.snapshot(snapshot, needed=any(ref.snapshot == snapshot.id for ref in refs))
        sending.packer.close()
    told = table_specs(ws, dataset)
    for ref in refs:
        to = Pointer(ref.snapshot, ws.clock.now(), ws.actor, told)
        if tags[ref.name] != _THERE:
            move_pointer(remote, dataset, ref.kind, ref.name, to, tags[ref.name])
    moved = tuple((ref.name, ref.snapshot) for ref in refs if tags[ref.name] != _THERE)
    packer = sending.packer
    return Pushed(moved, sending.snapshots, packer.objects, packer.bytes, sending.missing)


_THERE = "there already"


class _Sending:
    """What was sent so far, beside what was there."""

    def __init__(self, store: ObjectStore, remote: Remote, there: Holdings, progress: Progress) -> None:
        self._store, self._there, self._sent = store, there, set[bytes]()
        self.packer = Packer(remote, lambda done: progress("sending objects", done, 0))
        self.snapshots = self.missing = 0

    def snapshot(self, snapshot: Snapshot, *, needed: bool) -> None:
        """Send a snapshot, if it is not there; its content only if `needed` where it is not here any more."""
        try:
            self._content(snapshot.root)
        except NotFound:
            if needed:
                raise
            self.missing += 1
        if snapshot.id not in self._there.snapshots:
            self.packer.add_snapshot(snapshot.id, msgspec.json.encode(snapshot))
            self.snapshots += 1

    def _content(self, root: str) -> None:
        digest = bytes.fromhex(root)
        if self._has(digest):
            return
        manifest = read_manifest(self._store, root)
        for page in manifest.pages:
            if not self._has(page.digest):
                for entry in read_page(self._store, page):
                    if entry.kind in ("file", "program"):
                        self._object(entry.blake3, entry.size)
                self._object(page.digest, None)
        self._object(digest, None)

    def _object(self, digest: bytes, size: int | None) -> None:
        if self._has(digest):
            return
        path = Path(self._store.at(digest))
        if size is None or size < SMALL:
            data = self._store.get(digest)
            size = len(data)
            if size < SMALL:
                self.packer.add(digest, data)
        if size >= SMALL:
            self._store.demand(digest, size)
            self.packer.add_alone(digest, path, size)
        self._sent.add(digest)

    def _has(self, digest: bytes) -> bool:
        return digest in self._sent or digest in self._there


def _chosen(ws: Workspace, dataset: str, names: Sequence[str]) -> list[Ref]:
    refs = {ref.name: ref for ref in list_refs(ws, dataset)}
    for name in names:
        if name not in refs:
            raise NoSnapshot("branch or tag", name, refs)
    return [refs[name] for name in dict.fromkeys(names or refs)]


def _allowed(remote: Remote, ref: Ref, known: Mapping[str, Snapshot]) -> str | None:
    """The state that the name may be moved from: None when it is not there, _THERE when it needs no move."""
    found = read_pointer(remote, ref.dataset, ref.kind, ref.name)
    if found is None:
        return None
    pointer, tag = found
    if pointer.snapshot == ref.snapshot:
        return _THERE
    if ref.kind == "tag":
        said = f"the tag {ref.name!r} is at {pointer.snapshot[:12]} on {remote}, and tags do not move"
        raise RemoteMoved(said, hint="take another name for yours")
    if pointer.snapshot not in ancestors(known, [ref.snapshot]):
        said = f"the branch {ref.name!r} is at {pointer.snapshot[:12]} on {remote}, which yours does not descend from"
        hint = f"run `noria data pull REMOTE {ref.dataset}@{ref.name}`, merge, then push again"
        raise RemoteMoved(f"{said}; moved by {pointer.actor}", hint=hint)
    return tag
