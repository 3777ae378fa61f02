"""One process answers, another stands ready: the kernel says whose turn it is.

Both inherit one listening socket, so connections wait in its queue while nobody accepts. The lock of a process that
dies is free at once, and the other one goes on from there with everything imported.
"""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Wait until no other process has its turn in this folder, and have it until leaving."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "turn.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    gc.collect()
    gc.freeze()  # now, while there is time: what is imported need not be looked through when the turn comes
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
