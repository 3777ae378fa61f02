"""Starting and ending the process that renews a worker's leases (`heartbeat_child.py`).

Most runs are over long before a third of their lease has passed and need no process. But a thread that waits
that long and then starts one would be stopped by the very step it is for: one that keeps Python's global lock.
So the waiting is done by a shell, which costs about a millisecond to start and becomes the real thing only if
it is still there after a third of the lease.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from noria.core.units import Duration
from noria.runtime.lease import Owner
from noria.stores.database import Database
from noria.stores.sqlite import sqlite_module

BEATS = 3
"""Renewals in the length of one lease."""

_CHILD = Path(__file__).with_name("heartbeat_child.py")


class Heartbeat:
    """Renews every lease of `owner` from another process, from a third of `lease` after `start` until `stop`."""

    def __init__(self, database: Database, owner: Owner, lease: Duration) -> None:
        every = lease.seconds / BEATS
        self._config: dict[str, Any] = {
            "driver": "psycopg", "connect": {}, "owner": str(owner), "parent": os.getpid(),
            "lease": lease.micros, "every": every,
        }  # fmt: skip
        self._useful = True
        if database.is_sqlite:
            path = database.url.database or ":memory:"
            self._useful = path != ":memory:"
            self._config |= {"driver": sqlite_module().__name__, "connect": {"database": path}}
        else:
            # not the URL as text: the server's library does not read every escape that ours writes
            arguments = database.engine.dialect.create_connect_args(database.url)[1]
            self._config["connect"] = {k: v for k, v in arguments.items() if isinstance(v, (str, int))}
        self._wait = f"{every:.3f}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._process is not None or not self._useful:
            return
        script = 'sleep "$0"; exec "$@"'
        command = ["/bin/sh", "-c", script, self._wait, sys.executable, "-I", str(_CHILD)]
        with contextlib.suppress(OSError):  # no shell or no memory for it: then only recorded steps renew the lease
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            assert self._process.stdin is not None
            # the address may hold a password, so it goes through the pipe and not on the command line
            self._process.stdin.write(json.dumps(self._config).encode() + b"\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """End it and its waiting shell; renewing may begin again later."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.wait()
