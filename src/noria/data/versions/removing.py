"""Taking things out of a folder: files that a snapshot does not have, and folders that became empty by it."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress

from noria.data.versions.disk import told
from noria.data.versions.model import Entry


def remove_entries(root: bytes, entries: Sequence[Entry], kept: Container[bytes]) -> None:
    """Remove entries, and the folders that they leave empty, unless these are to be `kept` themselves."""
    folders: set[bytes] = set()
    with told(os.fsdecode(root)):
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.kind == "folder":
                    with suppress(OSError):  # somebody put something in: it is his
                        os.rmdir(root + b"/" + entry.path)  # noqa: PTH106
                else:
                    os.unlink(root + b"/" + entry.path)  # noqa: PTH108
            folders.add(entry.path.rpartition(b"/")[0])
        _remove_empty(root, folders, kept)


def clear(root: bytes, paths: Iterable[bytes]) -> None:
    """Remove what is in the way of something else."""
    folders: set[bytes] = set()
    with told(os.fsdecode(root)):
        for path in paths:
            try:
                os.unlink(root + b"/" + path)  # noqa: PTH108
            except (IsADirectoryError, PermissionError):
                os.rmdir(root + b"/" + path)  # noqa: PTH106
            folders.add(path.rpartition(b"/")[0])
        _remove_empty(root, folders, ())


def _remove_empty(root: bytes, folders: set[bytes], kept: Container[bytes]) -> None:
    """Remove folders that are empty now, innermost first, and then the ones around them."""
    waiting = sorted(folders, key=len, reverse=True)
    for folder in waiting:
        at = folder
        while at and at not in kept:
            try:
                os.rmdir(root + b"/" + at)  # noqa: PTH106
            except OSError:
                break
            at = at.rpartition(b"/")[0]
