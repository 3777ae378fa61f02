"""Bytes by the digest of their content: written once, atomically, never changed.

A blob is written to a temporary file, flushed to disk and renamed into place, and only then may a row refer
to it; a crash in between leaves garbage for a collector and never a reference to nothing.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from noria.core.digest import digest_bytes, digest_file
from noria.core.errors import Corrupt, NotFound, StorageFull


class BlobStore(Protocol):
    """Where content-addressed bytes are kept. Six verbs; a backend implements nothing else."""

    def put(self, data: bytes) -> str:
        """Keep bytes; gives their SHA-256. Keeping the same bytes again changes nothing."""
        ...

    def put_file(self, path: Path) -> str:
        """Keep a file's bytes without holding them in memory; gives their SHA-256."""
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
        if not self.exists(digest):
            self._place(digest, [data])
        return digest

    def put_file(self, path: Path) -> str:
        digest = digest_file(path)
        if not self.exists(digest):
            with path.open("rb") as file:
                self._place(digest, iter(lambda: file.read(1 << 20), b""))
            if digest_file(self._at(digest)) != digest:
                self._at(digest).unlink()
                raise Corrupt(f"{path} changed while it was being copied", hint="run again when nothing writes to it")
        return digest

    def get(self, digest: str) -> bytes:
        data = self.path(digest).read_bytes()
        if digest_bytes(data) != digest:
            raise Corrupt(f"blob {digest[:12]} is damaged", hint="restore it from a backup, or run again to rebuild it")
        return data

    def path(self, digest: str) -> Path:
        if not self.exists(digest):
            raise NotFound("blob", digest, hint="it was never kept here, or was collected; run again to rebuild it")
        return self._at(digest)

    def exists(self, digest: str) -> bool:
        return self._at(digest).exists()

    def digests(self) -> Iterator[str]:
        for path in self._root.glob("??/*"):
            yield path.name

    def _at(self, digest: str) -> Path:
        return self._root / digest[:2] / digest

    def _place(self, digest: str, chunks: Iterator[bytes] | list[bytes]) -> None:
        target = self._at(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{secrets.token_hex(8)}.tmp"
        try:
            with temporary.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(f"no room left for blobs in {self._root}", hint="free room and run again") from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
