"""How much memory a version takes, as well as that can be known from outside of it.

A runtime does not tell. What can be seen is by how many pages the process grew while the version was opened (and
the worker process of a native one), and how large its files are. The larger of the two counts: the process may grow
for others' sake while they answer meanwhile, so the figure is good to some ten or hundred kilobytes, not to a byte.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa

from noria.serving.lineup import Loaded
from noria.serving.workers.native_scorer import NativeScorer

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(process: int | str = "self") -> int:
    """Bytes of a process that are in memory; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def measured(open_version: Callable[[], Loaded], least: int) -> tuple[Loaded, int]:
    """A version, opened, and the bytes that it takes: `least`, which is the size of its files, or what was seen."""
    give_back()  # else the version would settle in pages that others have left, and seem to take nothing
    before = resident()
    loaded = open_version()
    seen = resident() - before
    if isinstance(loaded.scorer, NativeScorer) and loaded.scorer.pid is not None:
        seen += resident(loaded.scorer.pid)
    return loaded, max(least, seen)


def use_systems_pool() -> None:
    """Have Arrow take its memory where all else is taken: a server reads tables at its start only, and 12 MB of them
    would stay in a pool of its own."""
    pa.set_memory_pool(pa.system_memory_pool())


def give_back() -> None:
    """Let the system have the pages that nobody uses any more; glibc would keep them for later."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return found
