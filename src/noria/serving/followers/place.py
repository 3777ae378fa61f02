"""Where the leader listens: a Unix socket, whose path may have 107 bytes, in a folder whose path may have more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = "leader.sock"


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """A path to the leader's socket in the workspace's folder `serving` that is short whatever that folder's is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{_NAME}"
    finally:
        os.close(descriptor)
