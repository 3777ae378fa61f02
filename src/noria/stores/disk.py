"""What every store that writes files needs to know of disks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The errors by which a system says that a disk, a quota or a file may not grow."""


def sync_folder(path: Path) -> None:
    """Return when the folder's list of names would survive a power cut; flushing a file does not flush its name."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
