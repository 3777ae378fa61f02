"""Putting one entry in its place in a folder, and what the index may remember of it without looking again."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import suppress

from noria.data.versions.cloning import Link, clone
from noria.data.versions.disk import filesystem_now, told
from noria.data.versions.model import Entry
from noria.data.versions.objects import ObjectStore
from noria.data.versions.scanning import TEMPORARY
from noria.data.versions.stat_index import Row

_SECOND = 1_000_000_000
_WHOLE = 1 << 20
"""Files up to this size are written in one go, straight to their place when nothing is there."""


class Placer:
    """Makes files of one checkout. What was there is replaced at once, never half.

    A copy gets a modification time of two seconds before the checkout began, so that whatever is written into it
    later, however soon, shows.
    """

    def __init__(self, store: ObjectStore, root: bytes, link: Link) -> None:
        self._store, self._root, self._link = store, root, link
        self._made: set[bytes] = set()
        self._moment = filesystem_now(store.root) - 2 * _SECOND

    def place(self, entry: Entry) -> Row | None:
        """Make the file, link or folder; gives the row of a file.

        Raises NotFound, Corrupt, StorageFull, Unavailable.
        """
        target = self._root + b"/" + entry.path
        folder = entry.path.rpartition(b"/")[0]
        with told(os.fsdecode(self._root)):
            if folder not in self._made:
                os.makedirs(self._root + b"/" + folder, exist_ok=True)  # noqa: PTH103
                self._made.add(folder)
            if entry.kind == "folder":
                os.makedirs(target, exist_ok=True)  # noqa: PTH103
                return None
            if entry.kind == "link":
                self._symlink(entry, target)
                return None
            return self._file(entry, target)

    def _file(self, entry: Entry, target: bytes) -> Row:
        source, stat = self._store.demand(entry.blake3, entry.size)
        if self._link == "hardlink" and entry.kind == "file" and entry.size:
            try:
                self._hardlink(source, target)
            except OSError as error:
                if error.errno != errno.EMLINK:  # as many links as the disk allows: this one is a copy
                    raise
            else:
                return Row(entry, stat.st_mtime_ns, 0, stat.st_ino)
        return self._copied(entry, source, target)

    def _hardlink(self, source: str, target: bytes) -> None:
        try:
            os.link(source, target)
        except FileExistsError:
            temporary = _beside(target)
            os.link(source, temporary)
            _replace(temporary, target)

    def _copied(self, entry: Entry, source: str, target: bytes) -> Row:
        new = not os.path.lexists(target)
        place = target if new and entry.size <= _WHOLE and self._link != "reflink" else _beside(target)
        try:
            if not (self._link == "reflink" and clone(source, place)):
                with open(source, "rb") as file, open(place, "xb", 0) as copy:  # noqa: PTH123
                    shutil.copyfileobj(file, copy, _WHOLE)
            os.chmod(place, 0o755 if entry.kind == "program" else 0o644)  # noqa: PTH101
            os.utime(place, ns=(self._moment, self._moment))
            stat = os.stat(place)  # noqa: PTH116
            if place != target:
                _replace(place, target)
                stat = os.stat(target)  # noqa: PTH116
        except BaseException:
            with suppress(OSError):
                os.unlink(place)  # noqa: PTH108
            raise
        return Row(entry, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)

    def _symlink(self, entry: Entry, target: bytes) -> None:
        try:
            os.symlink(entry.target, target)  # noqa: PTH211
        except FileExistsError:
            temporary = _beside(target)
            os.symlink(entry.target, temporary)  # noqa: PTH211
            _replace(temporary, target)


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
