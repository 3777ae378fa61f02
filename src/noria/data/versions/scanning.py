"""What a folder holds now: files that are as they were hashed, files to be hashed, links, empty folders.

One pass with `scandir`, one `lstat` a file, nothing opened. Links are read and never followed, so nothing outside the
folder is ever looked at.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from noria.core.errors import Fault, FaultyInput
from noria.data.model import NoFiles
from noria.data.versions.cloning import TEMPORARY
from noria.data.versions.model import Entry, shown
from noria.data.versions.stat_index import Row, matches


class CannotVersion(FaultyInput):
    """A folder holds what cannot be kept: devices, pipes, sockets, or what may not be read."""

    code = "N3025"


@dataclass
class Scan:
    """`same`: rows of the index that still hold. `fresh`: files to be hashed. `others`: links and empty folders.

    `left_over` are the temporary files of a checkout that was broken off; they belong to nobody.
    """

    same: list[Row] = field(default_factory=list)
    fresh: list[tuple[bytes, os.stat_result]] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left_over: list[bytes] = field(default_factory=list)

    def refuse_faults(self, root: bytes) -> None:
        """Raise CannotVersion, naming everything that cannot be kept, when there is any."""
        if self.faults:
            hint = "remove or move them, or give this user the right to read them, and run it again"
            told = sorted(self.faults)
            more = [Fault("...", f"and {len(told) - 20} more")] if len(told) > 20 else []
            raise CannotVersion(f"the folder {shown(root)}", told[:20] + more, hint=hint)


def scan(root: bytes, index: Mapping[bytes, Row], home: Path) -> Scan:
    """Look at everything below `root`, leaving out Noria's own `home`. Raises NoFiles when there is no such folder."""
    if not os.path.isdir(root):  # noqa: PTH112
        raise NoFiles(f"there is no folder {shown(root)}", hint="make it, or name another one")
    found, folders, home_path = Scan(), [b""], os.fsencode(home)
    while folders:
        prefix = folders.pop()
        if os.path.join(root, prefix[:-1]) != home_path:  # noqa: PTH118
            folders += _look(root, prefix, index, found)
    return found


def _look(root: bytes, prefix: bytes, index: Mapping[bytes, Row], found: Scan) -> list[bytes]:
    """Look at one folder; gives the folders in it."""
    folders: list[bytes] = []
    empty = True
    try:
        with os.scandir(root + b"/" + prefix) as entries:
            for entry in entries:
                empty = False
                path = prefix + entry.name
                if path.endswith(TEMPORARY):
                    found.left_over.append(path)
                elif entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    row = index.get(path)
                    if row is not None and matches(row, stat):
                        found.same.append(row)
                    else:
                        found.fresh.append((path, stat))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(path + b"/")
                else:
                    _other(entry, path, found)
    except OSError as error:
        found.faults.append(Fault(shown(prefix[:-1]) or ".", _why(error)))
    else:
        if empty and prefix:
            found.others.append(Entry(prefix[:-1], "folder", 0, b""))
    return folders


def _other(entry: os.DirEntry[bytes], path: bytes, found: Scan) -> None:
    if entry.is_symlink():
        found.others.append(link_entry(path, os.readlink(entry.path)))  # noqa: PTH115
    else:
        found.faults.append(Fault(shown(path), "is a device, pipe or socket, which has no content to keep"))


def link_entry(path: bytes, target: bytes) -> Entry:
    """The entry of a symbolic link."""
    return Entry(path, "link", 0, blake3(target).digest(), target=target)


def _why(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "may not be read by this user"
    if error.errno == errno.ENAMETOOLONG:
        return "lies at a path longer than the system takes"
    return f"cannot be read: {error.strerror}"
