"""Hashing files, and keeping them in the same read: BLAKE3 for ourselves, MD5 for tools that know files by it.

A file that is written meanwhile is told by its size, time or inode being others after the reading than before; it is
read again, and given up after a few times.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat as modes
from contextlib import suppress

from blake3 import blake3

from noria.data.model import FileChanged, UnreadableFile
from noria.data.versions.cloning import clone
from noria.data.versions.disk import told
from noria.data.versions.model import Entry, Kind, shown
from noria.data.versions.objects import ObjectStore
from noria.data.versions.stat_index import Row

_SMALL = 1 << 20
_TRIES = 3
_HOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def hash_file(root: bytes, path: bytes, stat: os.stat_result, store: ObjectStore | None) -> Row:
    """Hash a regular file, and keep its content when there is a `store`. `stat` is how it was found.

    Raises FileChanged when it changes or goes away meanwhile, UnreadableFile, StorageFull, Unavailable.
    """
    full = root + b"/" + path
    for _ in range(_TRIES):
        try:
            file = os.open(full, _HOW)
        except OSError as error:
            raise _unreadable(full, error) from error
        try:
            found = _small(file, stat.st_size, store) if stat.st_size <= _SMALL else _large(file, full, store)
            after = os.fstat(file)
        except OSError as error:
            raise _unreadable(full, error) from error
        finally:
            os.close(file)
        if found is not None and _alike(stat, after) and found[2] == after.st_size:
            return Row(_entry(path, after, *found), after.st_mtime_ns, after.st_ctime_ns, after.st_ino)
        stat = after
    raise FileChanged(f"{shown(full)} changed while it was being read", hint="run again when nothing writes to it")


def digests_of(path: str) -> tuple[bytes, bytes, int]:
    """BLAKE3, MD5 and size of a file that nobody writes."""
    with open(path, "rb", 0) as file:  # noqa: PTH123
        return _digests(file.fileno(), None)


def _small(file: int, size: int, store: ObjectStore | None) -> tuple[bytes, bytes, int] | None:
    data = os.read(file, size + 1)
    if len(data) != size:
        return None
    digest = blake3(data).digest()
    if store is not None:
        store.keep(digest, data)
    return digest, hashlib.md5(data, usedforsecurity=False).digest(), len(data)


def _large(file: int, full: bytes, store: ObjectStore | None) -> tuple[bytes, bytes, int]:
    if store is None:
        return _digests(file, None)
    temporary = store.temporary()
    try:
        if clone(full, temporary):  # nobody writes into the clone, so it is what is hashed
            with open(temporary, "rb") as cloned:  # noqa: PTH123
                found = _digests(cloned.fileno(), None)
        else:
            with told(store.root), open(temporary, "xb", 0) as copy:  # noqa: PTH123
                found = _digests(file, copy.fileno())
        if not store.intact(found[0], found[2]):
            store.take(temporary, found[0])
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108
    return found


def _digests(file: int, copy: int | None) -> tuple[bytes, bytes, int]:
    ours, theirs, size = blake3(), hashlib.md5(usedforsecurity=False), 0
    while chunk := os.read(file, _SMALL):
        ours.update(chunk)
        theirs.update(chunk)
        size += len(chunk)
        if copy is not None:
            view = memoryview(chunk)
            while view:
                view = view[os.write(copy, view) :]
    return ours.digest(), theirs.digest(), size


def _entry(path: bytes, stat: os.stat_result, digest: bytes, md5: bytes, size: int) -> Entry:
    kind: Kind = "program" if stat.st_mode & modes.S_IXUSR else "file"
    return Entry(path, kind, size, digest, md5)


def _alike(before: os.stat_result, after: os.stat_result) -> bool:
    return (
        after.st_size == before.st_size
        and after.st_mtime_ns == before.st_mtime_ns
        and after.st_ino == before.st_ino
        and modes.S_ISREG(after.st_mode)
    )


def _unreadable(full: bytes, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        said = f"{shown(full)} went away while the folder was being read"
        return FileChanged(said, hint="run again when nothing writes to the folder")
    if isinstance(error, PermissionError):
        return UnreadableFile(f"{shown(full)} may not be read", hint="give this user the right to read it")
    if error.errno == errno.ELOOP:
        return FileChanged(f"{shown(full)} became a link while the folder was being read", hint="run again")
    return UnreadableFile(f"{shown(full)} cannot be read: {error.strerror or error}")
