"""Artifacts: files that runs and models keep, of any size, by path.

The bytes lie in the blob store under their digest, so equal files are kept once; the tree of paths is a table. What
is being written is visible to nobody until `keep`, and leaves nothing behind when it is broken off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from noria.core.clock import Micros
from noria.core.errors import NoriaError, StorageFull
from noria.stores.disk import NO_ROOM
from noria.tracking.artifact_paths import BadPath, checked
from noria.tracking.artifact_tree import (
    ArtifactMissing,
    delete_artifacts,
    get_artifact,
    list_artifacts,
    put_artifact,
)
from noria.tracking.model import Artifact
from noria.workspace.workspace import Workspace

__all__ = [
    "ArtifactMissing", "ArtifactWriter", "BadPath", "BrokenOff", "checked", "delete_artifacts", "forget_unfinished",
    "get_artifact", "list_artifacts", "put_artifact", "writer",
]  # fmt: skip

_INCOMING = "incoming"
"""The folder of the workspace for what is being written."""


class BrokenOff(NoriaError):
    """A file was kept although a part of it could not be written, or kept twice."""

    code = "N2222"


class ArtifactWriter:
    """A file that is being written, hashed on the way. `size` is how many bytes it has so far."""

    def __init__(self, ws: Workspace, temporary: Path) -> None:
        self._ws = ws
        self._temporary = temporary
        self._file = temporary.open("xb", buffering=0)
        self._hasher = hashlib.sha256()
        self._whole = True
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Add bytes. Raises StorageFull, after which nothing can be kept."""
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._whole = False
            if error.errno in NO_ROOM:
                raise StorageFull("no room left for artifacts", hint="free room and send the file again") from error
            raise
        self._hasher.update(chunk)
        self.size += len(chunk)

    def keep(self, path: str) -> Artifact:
        """Make the bytes the file of that path. Raises BadPath, StorageFull, BrokenOff."""
        checked(path)
        if not self._whole:
            raise BrokenOff(f"{path} was not written to its end, or is kept already")
        self._whole = False
        self._file.close()
        digest = self._ws.blobs.put_file(self._temporary, self._hasher.hexdigest())
        return put_artifact(self._ws, path, digest, self.size)

    def close(self) -> None:
        """Forget what was not kept."""
        self._file.close()
        with suppress(FileNotFoundError):
            self._temporary.unlink()


@contextmanager
def writer(ws: Workspace) -> Iterator[ArtifactWriter]:
    """A file to be written chunk by chunk and then kept under a path; gone when it is not kept."""
    writing = ArtifactWriter(ws, ws.folder(_INCOMING) / ws.ids.hex())
    try:
        yield writing
    finally:
        writing.close()


def forget_unfinished(ws: Workspace, before: Micros) -> int:
    """Remove what killed processes left half written before a moment; gives how many files."""
    count = 0
    for path in ws.folder(_INCOMING).iterdir():
        with suppress(FileNotFoundError):  # its writer is done with it
            if path.stat().st_mtime_ns // 1000 < before:
                path.unlink()
                count += 1
    return count
