"""Putting entries in their places in a folder, and what the index may remember of them without looking again.

Hard links are made relative to two open folders, the objects' and the one the file goes to, so that the system looks
up one name for each and not the whole path.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from noria.data.versions.cloning import TEMPORARY, Link, clone
from noria.data.versions.disk import filesystem_now, told
from noria.data.versions.model import Entry
from noria.data.versions.objects import ObjectStore
from noria.data.versions.reading_tree import Progress
from noria.data.versions.stat_index import Row

_SECOND = 1_000_000_000
_WHOLE = 1 << 20
"""Files up to this size are written in one go, straight to their place when nothing is there."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_EVERY = 512


class Placer:
    """Makes files of one checkout. What was there is replaced at once, never half.

    A copy gets a modification time of two seconds before the checkout began, so that whatever is written into it
    later, however soon, shows.
    """

    def __init__(self, store: ObjectStore, root: bytes, link: Link) -> None:
        self._store, self._root, self._link = store, root, link
        self._moment = filesystem_now(store.root) - 2 * _SECOND
        self._folder, self._into = b"", -1

    def place(self, entries: Sequence[Entry], progress: Progress) -> Iterator[Row]:
        """Make what the entries say, best in the order of paths; gives the rows of files.

        Raises NotFound, Corrupt, StorageFull, Unavailable.
        """
        with told(os.fsdecode(self._root)), self._open_folders():
            for done, entry in enumerate(entries, 1):
                folder, _, name = entry.path.rpartition(b"/")
                if folder != self._folder:
                    self._enter(folder)
                if entry.kind == "folder":
                    os.makedirs(self._root + b"/" + entry.path, exist_ok=True)  # noqa: PTH103
                elif entry.kind == "link":
                    self._symlink(entry)
                else:
                    yield self._linked(entry, name) if self._linkable(entry) else self._copied(entry)
                if not done % _EVERY:
                    progress("writing", done, len(entries))
        progress("writing", len(entries), len(entries))

    def _linkable(self, entry: Entry) -> bool:
        return self._link == "hardlink" and entry.kind == "file" and entry.size > 0

    def _linked(self, entry: Entry, name: bytes) -> Row:
        source, stat = self._store.demand(entry.blake3, entry.size)
        try:
            os.link(source, name, src_dir_fd=self._store.folder, dst_dir_fd=self._into, follow_symlinks=False)
        except FileExistsError:
            temporary = _beside(self._root + b"/" + entry.path)
            os.link(self._store.at(entry.blake3), temporary)
            _replace(temporary, self._root + b"/" + entry.path)
        except OSError as error:
            if error.errno != errno.EMLINK:  # as many links as the disk allows: this one is a copy
                raise
            return self._copied(entry)
        return Row(entry, stat.st_mtime_ns, 0, stat.st_ino)

    def _copied(self, entry: Entry) -> Row:
        self._store.demand(entry.blake3, entry.size)
        source, target = self._store.at(entry.blake3), self._root + b"/" + entry.path
        straight = entry.size <= _WHOLE and self._link != "reflink" and not os.path.lexists(target)
        place = target if straight else _beside(target)
        try:
            cloned = self._link == "reflink" and clone(source, place)
            file = os.open(place, os.O_WRONLY if cloned else os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            try:
                if not cloned:
                    _copy(source, file)
                os.chmod(file, 0o755 if entry.kind == "program" else 0o644)  # noqa: PTH101
                os.utime(file, ns=(self._moment, self._moment))
                if not straight:
                    os.replace(place, target)  # noqa: PTH105
                stat = os.fstat(file)
            finally:
                os.close(file)
        except BaseException:
            with suppress(OSError):
                os.unlink(place)  # noqa: PTH108
            raise
        return Row(entry, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)

    def _symlink(self, entry: Entry) -> None:
        target = self._root + b"/" + entry.path
        try:
            os.symlink(entry.target, target)  # noqa: PTH211
        except FileExistsError:
            temporary = _beside(target)
            os.symlink(entry.target, temporary)  # noqa: PTH211
            _replace(temporary, target)

    @contextmanager
    def _open_folders(self) -> Iterator[None]:
        self._folder, self._into = b"", os.open(self._root, _FOLDER)
        try:
            with self._store.opened():
                yield
        finally:
            os.close(self._into)

    def _enter(self, folder: bytes) -> None:
        place = self._root + b"/" + folder
        try:
            into = os.open(place, _FOLDER)
        except FileNotFoundError:
            os.makedirs(place, exist_ok=True)  # noqa: PTH103
            into = os.open(place, _FOLDER)
        os.close(self._into)
        self._folder, self._into = folder, into


def _copy(source: str, file: int) -> None:
    """Copy a whole file; a disk that is full takes a part of what it is given, and says so at the next byte."""
    whole = os.open(source, os.O_RDONLY)
    try:
        while chunk := os.read(whole, _WHOLE):
            view = memoryview(chunk)
            while view:
                view = view[os.write(file, view) :]
    finally:
        os.close(whole)


def _beside(target: bytes) -> bytes:
    folder, _, _ = target.rpartition(b"/")
    return folder + b"/." + secrets.token_hex(8).encode() + TEMPORARY


def _replace(temporary: bytes, target: bytes) -> None:
    try:
        os.replace(temporary, target)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
