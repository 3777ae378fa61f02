"""Bytes by the digest of their content: written once, atomically, never changed.

A blob is written to a temporary file, flushed to disk and renamed into place, and only then may a row refer
to it; a crash in between leaves garbage for a collector and never a reference to nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from noria.core.digest import digest_bytes, digest_file
from noria.core.errors import Corrupt, NotFound, StorageFull, Unavailable
from noria.stores.disk import NO_ROOM, sync_folder

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ERASED = ".erased"
_AWAY = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOTDIR)


class BlobStore(Protocol):
    """Where content-addressed bytes are kept. Six verbs; a backend implements nothing else."""

    def put(self, data: bytes) -> str:
        """Keep bytes; gives their SHA-256. Keeping the same bytes again changes nothing, or mends a damaged blob.

        Raises StorageFull, with nothing kept, when there is no room.
        """
        ...

    def put_file(self, path: Path, digest: str | None = None, *, instead_of: str | None = None) -> str:
        """Keep a file's bytes without holding them in memory; gives their SHA-256.

        `instead_of` names a blob that must be forgotten, such as one with a person's rows: its bytes go, its digest
        stays a name for the bytes that took their place, so that what refers to it can still be read, and keeping
        the old bytes again changes nothing.

        Who has just written the file, and hashed what he wrote, gives the `digest`: then the file itself is taken
        where that is possible, and is gone from `path` afterwards. Raises Corrupt when the file changes meanwhile or
        is found not to have that digest, StorageFull when there is no room.
        """
        ...

    def get(self, digest: str) -> bytes:
        """The bytes. Raises NotFound when there are none, Corrupt when they are not what the digest says."""
        ...

    def path(self, digest: str) -> Path:
        """A local file with the bytes, to be read and never written. Raises NotFound."""
        ...

    def exists(self, digest: str) -> bool:
        """Whether the bytes are here."""
        ...

    def digests(self) -> Iterator[str]:
        """Every digest kept, in no order."""
        ...


class FileBlobStore:
    """Blobs as files in a directory, two levels deep."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, data: bytes) -> str:
        digest = digest_bytes(data)
        if not self._intact(digest):
            self._place(digest, [data])
        return digest

    def put_file(self, path: Path, digest: str | None = None, *, instead_of: str | None = None) -> str:
        moving, digest = digest is not None, digest or digest_file(path)
        if not self._intact(digest) and not (moving and self._taken(path, digest)):
            with path.open("rb") as file:
                self._place(digest, _as_before(path, digest, iter(lambda: file.read(1 << 20), b"")))
        if moving:
            path.unlink(missing_ok=True)
        if instead_of is not None and instead_of != digest:
            self._place(instead_of, [digest.encode()], _ERASED)
            self._at(instead_of).unlink(missing_ok=True)
        return digest

    def get(self, digest: str) -> bytes:
        digest = self._led(digest)
        data = self.path(digest).read_bytes()
        if digest_bytes(data) != digest:
            raise Corrupt(f"blob {digest[:12]} is damaged", hint="restore it from a backup, or run again to rebuild it")
        return data

    def path(self, digest: str) -> Path:
        if not self.exists(digest):
            raise NotFound("blob", digest, hint="it was never kept here, or was collected; run again to rebuild it")
        return self._at(self._led(digest))

    def exists(self, digest: str) -> bool:
        return _DIGEST.fullmatch(digest) is not None and self._at(self._led(digest)).exists()

    def digests(self) -> Iterator[str]:
        for path in self._root.glob("??/*"):
            if _DIGEST.fullmatch(path.name):  # anything else is what a killed writer left
                yield path.name

    def _intact(self, digest: str) -> bool:
        kept = self._led(digest)
        return self.exists(digest) and digest_file(self._at(kept)) == kept

    def _led(self, digest: str) -> str:
        """The digest of the bytes that took the place of this one's, or itself."""
        while True:
            try:
                digest = self._at(digest).with_suffix(_ERASED).read_text()
            except (FileNotFoundError, NotADirectoryError):
                return digest

    def _at(self, digest: str) -> Path:
        return self._root / digest[:2] / digest

    def _place(self, digest: str, chunks: Iterable[bytes], suffix: str = "") -> None:
        target = self._at(digest).with_suffix(suffix)
        temporary = target.parent / f".{secrets.token_hex(8)}.tmp"
        try:
            with self._writing():
                target.parent.mkdir(parents=True, exist_ok=True)
                with temporary.open("wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(target)
                sync_folder(target.parent)
        finally:
            with suppress(OSError):
                temporary.unlink()

    def _taken(self, path: Path, digest: str) -> bool:
        """Move a file to its place; False when it lies on another disk, where it can only be copied."""
        target = self._at(digest)
        with self._writing():
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            try:
                path.replace(target)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    return False
                raise
            sync_folder(target.parent)
        return True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Tell what a disk says as one of Noria's errors."""
        try:
            yield
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StorageFull(f"no room left for blobs in {self._root}", hint="free room and run again") from error
            if error.errno in _AWAY:
                said = f"blobs cannot be written to {self._root}: {error.strerror}"
                raise Unavailable(said, hint="check the disk and who owns the folder") from error
            raise


def _as_before(path: Path, digest: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, provided that together they still have the digest computed before."""
    hasher = hashlib.sha256()
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk
    if hasher.hexdigest() != digest:
        raise Corrupt(f"{path} changed while it was being copied", hint="run again when nothing writes to it")
