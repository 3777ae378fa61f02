"""An online store in LMDB: one memory-mapped file, reads in microseconds, one writer at a time.

Commits are written to the file without waiting for the disk, so they survive the death of the process but
not a power cut until `sync`; what is kept here can be rebuilt from sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb

from noria.core.errors import BadInput, Corrupt, StorageFull

_LONGEST_KEY = 511


class LmdbOnlineStore:
    """State under `path`, growing up to `map_bytes` (address space, not disk)."""

    def __init__(self, path: Path, *, map_bytes: int = 64 << 30) -> None:
        path.mkdir(parents=True, exist_ok=True)
        try:
            self._environment = lmdb.open(str(path), map_size=map_bytes, sync=False, metasync=False, max_readers=256)
        except lmdb.InvalidError as error:
            raise Corrupt(
                f"{path} is no online store: {error}", hint="remove the folder; it is filled again"
            ) from error

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        with self._environment.begin() as transaction:
            return [transaction.get(key) if 0 < len(key) <= _LONGEST_KEY else None for key in keys]

    def put_many(self, items: Mapping[bytes, bytes]) -> None:
        if too_long := [key for key in items if not 0 < len(key) <= _LONGEST_KEY]:
            raise BadInput(f"a key of {len(too_long[0])} bytes cannot be kept; keys have 1 to {_LONGEST_KEY}")
        with _translated(), self._environment.begin(write=True) as transaction:
            for key, value in items.items():
                transaction.put(key, value)

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        with self._environment.begin() as transaction, transaction.cursor() as cursor:
            found = []
            if cursor.set_range(prefix) if prefix else cursor.first():
                for key in cursor.iternext(values=False):
                    if not key.startswith(prefix):
                        break
                    found.append(bytes(key))
        return iter(found)

    def clear(self, prefix: bytes) -> None:
        doomed = list(self.keys(prefix))
        with _translated(), self._environment.begin(write=True) as transaction:
            for key in doomed:
                transaction.delete(key)

    def sync(self) -> None:
        self._environment.sync(True)

    def close(self) -> None:
        self._environment.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (lmdb.MapFullError, lmdb.DiskError) as error:
        raise StorageFull(f"the online store is full: {error}", hint="free room; nothing was written") from error
    except lmdb.Error as error:
        if "No space" in str(error):
            raise StorageFull(f"the online store's disk is full: {error}", hint="free room") from error
        raise
