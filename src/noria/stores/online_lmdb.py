"""An online store in LMDB: one memory-mapped file, reads in microseconds, one writer at a time.

Commits are written to the file without waiting for the disk, so they survive the death of the process but
not a power cut until `sync`; what is kept here can be rebuilt from sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb

from noria.core.errors import BadInput, Conflict, Corrupt, NoriaError, StorageFull, Unavailable

_LONGEST_KEY = 511
_DAMAGED = (lmdb.InvalidError, lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.PanicError, lmdb.VersionMismatchError)


class LmdbOnlineStore:
    """State under `path`, growing up to `map_bytes` (address space, not disk)."""

    def __init__(self, path: Path, *, map_bytes: int = 64 << 30) -> None:
        """Raises Corrupt when there is something else at `path`, Conflict when this process has it open already."""
        self._path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._environment = lmdb.open(str(path), map_size=map_bytes, sync=False, metasync=False, max_readers=256)
            self._environment.reader_check()  # readers that were killed would keep old pages from being used again
        except lmdb.Error as error:
            if "already open" in str(error):
                raise Conflict(f"the online store {path} is open in this process", hint="pass it on instead") from error
            raise _told(path, error) from error
        except OSError as error:
            raise Unavailable(f"the folder {path} cannot be made: {error.strerror}") from error

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        try:
            with self._environment.begin() as transaction:
                return [transaction.get(key) if 0 < len(key) <= _LONGEST_KEY else None for key in keys]
        except lmdb.Error as error:
            raise _told(self._path, error) from error

    def put_many(self, items: Mapping[bytes, bytes | None]) -> None:
        if too_long := [key for key in items if not 0 < len(key) <= _LONGEST_KEY]:
            raise BadInput(f"a key of {len(too_long[0])} bytes cannot be kept; keys have 1 to {_LONGEST_KEY}")
        with _translated(self._path), self._environment.begin(write=True) as transaction:
            for key, value in items.items():
                if value is None:
                    transaction.delete(key)
                else:
                    transaction.put(key, value)

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        found = []
        with _translated(self._path), self._environment.begin() as transaction, transaction.cursor() as cursor:
            if cursor.set_range(prefix) if prefix else cursor.first():
                for key in cursor.iternext(values=False):
                    if not key.startswith(prefix):
                        break
                    found.append(bytes(key))
        return iter(found)

    def clear(self, prefix: bytes) -> None:
        doomed = list(self.keys(prefix))
        with _translated(self._path), self._environment.begin(write=True) as transaction:
            for key in doomed:
                transaction.delete(key)

    def sync(self) -> None:
        with _translated(self._path):
            self._environment.sync(True)

    def close(self) -> None:
        self._environment.close()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except lmdb.Error as error:
        raise _told(path, error) from error


def _told(path: Path, error: lmdb.Error) -> NoriaError:
    if isinstance(error, lmdb.MapFullError | lmdb.DiskError) or "No space" in str(error):
        return StorageFull(f"the online store is full: {error}", hint="free room; nothing was written")
    if isinstance(error, _DAMAGED):
        return Corrupt(f"{path} is no online store: {error}", hint="remove the folder; it is filled again")
    if "Input/output" in str(error):  # what LMDB says when a page could not be written whole
        said = f"the online store {path} could not be written: its disk is full, or fails"
        return StorageFull(said, hint="free room; nothing was written")
    return Unavailable(f"the online store {path} does not answer: {error}")
