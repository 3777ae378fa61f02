"""A database of each kind, empty of what the tests of this folder make."""

from __future__ import annotations

import resource
import signal
from contextlib import contextmanager

import pytest


@pytest.fixture
def small_files():
    """A disk that is full: in `with small_files(bytes)` no file of this process may grow beyond that."""

    @contextmanager
    def limited(size: int):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)

    return limited
