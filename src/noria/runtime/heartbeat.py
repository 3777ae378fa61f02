"""Keeping a lease alive from a process of its own, so that a step that holds the interpreter keeps its run.

`python -m noria.runtime.heartbeat` is given the run on its command line and ends when its standard input
closes, which happens when the worker dies in whatever way, or when the run is no longer the worker's.
"""

from __future__ import annotations

import select
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any

from noria.core.clock import SystemClock
from noria.core.units import Duration
from noria.runtime.model import WorkRun
from noria.stores.sqlite import sqlite_module

_BEATS = 3
_SQL = "UPDATE work_runs SET lease_until = {until} WHERE id = {p} AND fence = {p} AND state = 'running'"


class Heartbeat:
    """Keeps `run`'s lease alive while entered; costs nothing for runs shorter than a third of the lease."""

    def __init__(self, url: str, run: WorkRun, lease: Duration) -> None:
        self._arguments = [url, run.id, str(run.fence), str(lease.micros)]
        self._timer = threading.Timer(lease.seconds / _BEATS, self._start)
        self._timer.daemon = True
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._over = False

    def __enter__(self) -> Heartbeat:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._process is not None:
                self._process.communicate()

    def _start(self) -> None:
        with self._lock:
            if not self._over:
                command = [sys.executable, "-m", "noria.runtime.heartbeat", *self._arguments]
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE)


def beat(url: str, run: str, fence: int, lease: int) -> None:
    """Extend the lease again and again until standard input closes or the run is another worker's."""
    connection, sqlite = _connect(url)
    wall = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + " + str(lease)
    while True:
        until = str(SystemClock().now() + lease) if sqlite else wall
        cursor = connection.execute(_SQL.format(until=until, p="?" if sqlite else "%s"), (run, fence))
        if cursor.rowcount != 1:
            return
        readable, _, _ = select.select([sys.stdin], [], [], lease / 1_000_000 / _BEATS)
        if readable:
            return


def _connect(url: str) -> tuple[Any, bool]:
    if url.startswith("sqlite"):
        path = url.partition(":///")[2]
        return sqlite_module().connect(path, isolation_level=None, timeout=30), True
    import psycopg

    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True), False


if __name__ == "__main__":
    beat(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
