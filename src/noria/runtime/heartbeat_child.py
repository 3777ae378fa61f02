"""The process that keeps a worker's leases alive while one of its steps holds Python's global lock.

It is run as a script and imports only the standard library and the database driver, so it starts in
milliseconds and has nothing to lock up on. It reads one line of JSON from its standard input, then renews the
leases of one owner until that input is closed or its parent is gone. A parent that is *stopped* (SIGSTOP) gets
no renewal: work that does not go on should pass to somebody else.
"""

import contextlib
import importlib
import json
import os
import select
import time
from pathlib import Path
from typing import Any

POLL = 0.25  # seconds between two looks at whether the parent lives

SQLITE = "UPDATE work_runs SET lease_until = ? WHERE owner = ? AND state = 'running'"
POSTGRES = (
    "UPDATE work_runs SET lease_until = CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) + %s"
    " WHERE owner = %s AND state = 'running'"
)


class Beat:
    """One statement, sent again and again over a connection that is remade when it breaks."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._driver = importlib.import_module(config["driver"])
        self._connection: Any = None

    def send(self) -> None:
        """Renew once; a database that is away is tried again at the next beat."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._renew()
        except self._driver.Error:
            self.close()

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            with contextlib.suppress(self._driver.Error):
                self._connection.close()
        self._connection = None

    def _renew(self) -> None:
        lease, owner = self._config["lease"], self._config["owner"]
        if self._config["driver"] == "psycopg":
            self._connection.execute(POSTGRES, (lease, owner))
        else:
            self._connection.execute(SQLITE, (round(time.monotonic() * 1_000_000) + lease, owner))

    def _connect(self) -> Any:
        if self._config["driver"] == "psycopg":
            return self._driver.connect(**{"connect_timeout": 5, **self._config["connect"], "autocommit": True})
        connection = self._driver.connect(**self._config["connect"], timeout=5.0, isolation_level=None)
        connection.execute("PRAGMA synchronous=NORMAL")  # a beat lost in a power cut is no loss
        return connection


def read_config() -> dict[str, Any]:
    """The first line of standard input."""
    data = b""
    while not data.endswith(b"\n"):
        piece = os.read(0, 4096)
        if not piece:
            raise SystemExit(0)
        data += piece
    config: dict[str, Any] = json.loads(data)
    return config


def parent_is_stopped(pid: int) -> bool:
    """Whether the parent is stopped by a signal or a debugger."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return False


def main() -> None:
    """Beat until told to stop or orphaned."""
    config = read_config()
    beat, due = Beat(config), 0.0
    while os.getppid() == config["parent"]:
        if time.monotonic() >= due and not parent_is_stopped(config["parent"]):
            beat.send()
            due = time.monotonic() + config["every"]
        if select.select([0], [], [], POLL)[0]:
            break  # closed: the worker has ended
    beat.close()


if __name__ == "__main__":
    main()
