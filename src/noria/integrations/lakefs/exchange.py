"""Folders of a lakeFS repository as datasets, and snapshots as commits of a lakeFS branch.

Coming: the objects of one commit are brought into a folder of the workspace and committed; objects whose MD5 is that
of the file already there are not fetched. Going: a snapshot is put on a branch of its own, committed there with its id,
and merged, so that the target branch has all of it or nothing, and a second export finds that it is done.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path, PurePosixPath

from noria.core.errors import BadInput, Corrupt, NotFound
from noria.data.versions.exchange import Brought, Exchange, Given
from noria.data.versions.model import Entry, Origin, Snapshot, shown
from noria.data.versions.operations import commit, manifest_of
from noria.data.versions.places import object_store, used_folder
from noria.integrations.lakefs.client import Address, LakeFS, Stored, address_of
from noria.workspace.workspace import Workspace

_MARK = "noria.snapshot"
_MD5 = 32


def read(ws: Workspace, place: str) -> list[Brought]:
    """Commit the objects below `lakefs://REPOSITORY/REFERENCE/PREFIX` as a dataset called as the last part of it.

    Raises BadInput, NotFound, Unavailable, Corrupt for an object that is not what its checksum says.
    """
    address = address_of(place)
    folder = used_folder(ws) / "lakefs" / address.repository / address.prefix
    with LakeFS() as server:
        head = str(server.head(address.repository, address.reference)["id"])
        objects = list(server.objects(address.repository, head, address.prefix))
        if not objects:
            raise NotFound("object", str(address), hint="is the prefix right?")
        files = {_below(folder, address, one): one for one in objects}
        for path, one in files.items():
            _bring(server, Address(address.repository, head), one, path)
    for path in [one for one in folder.rglob("*") if one.is_file() and one not in files]:
        path.unlink()
    name = address.prefix.rstrip("/").rpartition("/")[2] or address.repository
    origin = Origin(f"lakefs://{address.repository}/{head}/{address.prefix}")
    return [Brought(folder, commit(ws, folder.absolute(), name, origin=origin))]


def write(ws: Workspace, snapshot: Snapshot, place: str, name: str | None = None, mode: str = "") -> Given:
    """Make a branch of lakeFS hold a snapshot's files below a prefix, in one merge; what else is there is removed.

    Links and empty folders are left out. Raises BadInput, NotFound for a branch that is not there, MergeConflicts when
    others changed the same objects meanwhile, Unavailable.
    """
    if name or mode:
        raise BadInput("an export to lakeFS has no name and no mode", hint="say all of it in lakefs://REPO/BRANCH/DIR")
    address, store = address_of(place), object_store(ws)
    repository = address.repository
    _, entries = manifest_of(ws, snapshot)
    files = {address.prefix + _told(one): one for one in entries if one.kind in ("file", "program")}
    notes = tuple(f"{shown(one.path)} is a {one.kind}" for one in entries if one.kind in ("link", "folder"))
    aside = f"noria-{snapshot.id[:16]}"
    with LakeFS() as server, store.using():
        if aside in server.branches(repository):  # of an export that was killed
            server.delete_branch(repository, aside)
        server.create_branch(repository, aside, address.reference)
        there = {one.path: one for one in server.objects(repository, aside, address.prefix)}
        for path in sorted(there.keys() - files.keys()):
            server.remove(repository, aside, path)
        for path, entry in files.items():
            if path not in there or not _same(there[path], entry):
                server.upload(repository, aside, path, Path(store.demand(entry.blake3, entry.size)[0]))
        told = "had it already; nothing was written"
        if server.uncommitted(repository, aside):
            message = snapshot.origin.message or f"{snapshot.dataset} {snapshot.id[:12]}"
            server.commit(repository, aside, message, {_MARK: snapshot.id, "noria.dataset": snapshot.dataset})
            told = f"commit {server.merge(repository, aside, address.reference, message)[:16]}"
        server.delete_branch(repository, aside)
    return Given(str(address), len(files), notes, told)


def _below(folder: Path, address: Address, one: Stored) -> Path:
    """Where an object goes. Raises BadInput for a path that would leave the folder."""
    parts = one.path.removeprefix(address.prefix).split("/")
    if not one.path.startswith(address.prefix) or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise BadInput(f"the object {one.path!r} cannot be a file below {folder}", hint="rename it in lakeFS")
    return folder.joinpath(*parts)


def _bring(server: LakeFS, commit_: Address, one: Stored, path: Path) -> None:
    is_md5 = len(one.checksum) == _MD5
    if is_md5 and path.is_file() and path.stat().st_size == one.size and _md5(path) == one.checksum:
        return
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.coming")
    try:
        server.download(commit_.repository, commit_.reference, one.path, fresh)
        if fresh.stat().st_size != one.size or (is_md5 and _md5(fresh) != one.checksum):
            raise Corrupt(f"{one.path} is not what lakeFS says that it is", hint="nothing was committed; ask again")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _same(there: Stored, entry: Entry) -> bool:
    return there.size == entry.size and there.checksum == entry.md5.hex()


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _told(entry: Entry) -> str:
    try:
        return PurePosixPath(entry.path.decode()).as_posix()
    except UnicodeDecodeError:
        said = f"lakeFS cannot name the file {shown(entry.path)}, whose name is no UTF-8"
        raise BadInput(said, hint="rename it, commit, and export that") from None


LAKEFS = Exchange("lakefs", read, write)
