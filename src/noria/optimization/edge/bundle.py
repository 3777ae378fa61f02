"""A bundle on a disk, as a folder or a zip: written all or nothing, and opened only when it is what was written."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, Conflict, NotFound, StorageFull, Unavailable
from noria.optimization.edge.external import refuse_external
from noria.optimization.edge.manifest import LARGEST_MANIFEST, MANIFEST, DamagedEdge, Manifest, read_manifest
from noria.stores.disk import NO_ROOM, sync_folder

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member of a zip, so that the same bundle is the same bytes."""


class PlaceTaken(Conflict):
    """Something lies where the bundle would; it is not touched."""

    code = "N4215"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is there already", hint="choose another --output, or move it away; it was not touched"
        )


@dataclass(frozen=True)
class Bundle:
    """What was read: the manifest, its digest, and every other file's bytes, which are those it names."""

    manifest: Manifest
    digest: str
    files: dict[str, bytes]


def write_bundle(files: Mapping[str, bytes], folder: Path, *, packed: Path | None = None) -> None:
    """Write the files into the new folder, and into the zip `packed` beside it where one is asked for.

    Raises PlaceTaken, StorageFull, Unavailable when it cannot be written there. A writer that is killed leaves a hidden
    folder `.edge-*.unfinished` beside it, and never half a bundle under its own name; of two writers one is refused.
    """
    refuse_taken(folder, packed)
    with _draft(folder) as draft:
        inside = draft / "folder"
        inside.mkdir()
        for name, content in files.items():
            with (inside / name).open("wb") as file:
                file.write(content)
                _flush(file)
        sync_folder(inside)
        if packed:
            with (draft / "zip").open("wb") as file:
                _pack(file, files)
                _flush(file)
        _rename(inside, folder)
        if packed:
            _rename(draft / "zip", packed)
        sync_folder(folder.parent)


def refuse_taken(*places: Path | None) -> None:
    """Raise PlaceTaken when anything lies in one of these places, a broken link included."""
    for place in places:
        if place is not None and os.path.lexists(place):
            raise PlaceTaken(place)


def open_bundle(path: Path, *, digest: str = "") -> Bundle:
    """Read a folder or a zip and hold every file against the manifest; with `digest`, the manifest against that.

    A file that was changed, is missing or additional, a link of either kind, a folder, and a graph that points at other
    files are refused. Raises NotFound, BadInput, DamagedEdge, PointsOutside, Unavailable.
    """
    if not os.path.lexists(path):
        raise NotFound("bundle", str(path))
    try:
        members = _members_of_zip(path) if path.is_file() else _members_of_folder(path)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise DamagedEdge(f"{path.name} is no whole zip: {error}") from error
    except OSError as error:
        raise Unavailable(f"the bundle {path} cannot be read: {error.strerror or error}") from error
    for name, content in members.files.items():
        if name.endswith(".onnx"):
            refuse_external(name, content)
    if digest and digest != members.digest:
        raise DamagedEdge(f"its manifest is {members.digest[:12]}, and {digest[:12]} was asked for")
    return members


def _members_of_folder(path: Path) -> Bundle:
    if path.is_symlink() or not path.is_dir():
        raise BadInput(f"{path} is no folder and no zip", hint="name what `noria export --edge` wrote")
    there = {entry.name: entry for entry in os.scandir(path)}
    for entry in there.values():
        _refuse_links(entry)
    content = _read(path / MANIFEST, LARGEST_MANIFEST, MANIFEST) if MANIFEST in there else None
    about = _manifest(content, set(there))
    files = {name: _read(path / name, one.bytes, name) for name, one in about.files.items()}
    return _held(about, content or b"", files)


def _members_of_zip(path: Path) -> Bundle:
    with zipfile.ZipFile(path) as packed:
        there = {one.filename: one for one in packed.infolist()}
        if len(there) != len(packed.infolist()):
            raise DamagedEdge("the zip has two members of one name")
        for one in there.values():
            if one.is_dir() or stat.S_ISLNK(one.external_attr >> 16):
                raise DamagedEdge(f"{one.filename[:120]!r} is no plain file")

        def read(name: str, most: int) -> bytes:
            with packed.open(there[name]) as file:
                return _within(file.read(most + 1), most, name)

        content = read(MANIFEST, LARGEST_MANIFEST) if MANIFEST in there else None
        about = _manifest(content, set(there))
        return _held(about, content or b"", {name: read(name, one.bytes) for name, one in about.files.items()})


def _manifest(content: bytes | None, there: set[str]) -> Manifest:
    """The manifest, when it names what is there and nothing else."""
    if content is None:
        raise DamagedEdge(f"it has no {MANIFEST}")
    about = read_manifest(content)
    missing, additional = set(about.files) - there, there - {*about.files, MANIFEST}
    if missing:
        raise DamagedEdge(f"{', '.join(sorted(missing))} is missing")
    if additional:
        raise DamagedEdge(f"{', '.join(sorted(name[:120] for name in additional)[:5])} is not in its manifest")
    return about


def _held(about: Manifest, content: bytes, files: dict[str, bytes]) -> Bundle:
    """The bundle, when every file is what the manifest says."""
    for name, one in about.files.items():
        if len(files[name]) != one.bytes:
            raise DamagedEdge(f"{name} has {len(files[name]):,} bytes, and had {one.bytes:,}")
        if digest_bytes(files[name]) != one.sha256:
            raise DamagedEdge(f"{name} was changed: its SHA-256 is not the manifest's")
    return Bundle(about, digest_bytes(content), files)


def _refuse_links(entry: os.DirEntry[str]) -> None:
    """A link's target may change after it was checked, or lie outside; so may what shares its bytes with a file."""
    found = entry.stat(follow_symlinks=False)
    hint = "copy the bundle without links, such as with cp -rL"
    if stat.S_ISLNK(found.st_mode):
        raise DamagedEdge(f"{entry.name[:120]} is a symbolic link", hint=hint)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedEdge(f"{entry.name[:120]} is no plain file", hint=hint)
    if found.st_nlink > 1:
        raise DamagedEdge(f"{entry.name[:120]} is a hard link: its bytes have another name too", hint=hint)


def _read(path: Path, most: int, name: str) -> bytes:
    """A file's bytes, refused beyond `most`; a link that took its place meanwhile is not followed."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        return _within(file.read(most + 1), most, name)


def _within(content: bytes, most: int, name: str) -> bytes:
    if len(content) > most:
        raise DamagedEdge(f"{name} has more than {most:,} bytes")
    return content


def _pack(file: IO[bytes], files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr, member.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            packed.writestr(member, content)


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _rename(draft: Path, place: Path) -> None:
    """Give the draft its name. Another writer's folder that came meanwhile is not replaced."""
    refuse_taken(place)
    try:
        draft.rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise PlaceTaken(place) from error
        raise


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """An empty folder beside the bundle's, gone at the end; a full disk and a place that cannot be written say so."""
    made: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".edge-", suffix=".unfinished", dir=folder.parent))
        yield made
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(f"no room left for the bundle {folder}", hint="free room and export again") from error
        why = f"the bundle {folder} cannot be written: {error.strerror or error}"
        raise Unavailable(why, hint="choose another --output") from error
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
