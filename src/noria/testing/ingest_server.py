"""`noria server` with a witness, in a process of its own, so that tests may kill it.

`python -m noria.testing.ingest_server ROOT PORT [DATABASE]` serves the workspace in ROOT. It is the whole server, and
notes every row that is taken in, in the same transaction, in a table without a key, where a row that was taken in
twice stands twice.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from noria.config.settings import settings_for
from noria.core.clock import SystemClock, sleep
from noria.tracking import taking
from noria.tracking.records import AnyRecord, Row
from noria.workspace.workspace import Workspace, open_workspace

_own = sa.MetaData()
witnessed = sa.Table("test_witnessed", _own, sa.Column("run", sa.Text), sa.Column("step", sa.BigInteger))
"""The rows that were taken in. No key, so a doubled row is two."""


class IngestServer:
    """The server of a workspace, to be started, killed and started again on the same port."""

    def __init__(self, root: Path, database: str = "") -> None:
        self.root, self.database, self.port = root, database, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Serve; returns when it answers, unless it is not to be waited for."""
        command = [sys.executable, "-m", "noria.testing.ingest_server", str(self.root), str(self.port), self.database]
        self._process = subprocess.Popen(command)
        while wait and not self.answers():
            assert self._process.poll() is None, "the server has fallen over"
            sleep(0.02)

    def answers(self) -> bool:
        """Whether it answers now."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/noria/ingest?spool=nobody", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """`kill -9` it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def pause(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Wake it again."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> IngestServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def opened(root: Path, database: str = "") -> Workspace:
    """The workspace that such a server serves, with the witness's table."""
    ws = open_workspace(root, settings_for(root, {"database": database} if database else {}, {}), SystemClock())
    if ws.database.is_sqlite:  # processes are killed here, not machines: no fsync
        sa.event.listen(ws.database.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
        ws.database.engine.dispose()
    _own.create_all(ws.database.engine)
    return ws


def main(root: str, port: str, database: str = "") -> None:
    """Serve until killed."""
    from noria.server.tracking import run_server

    ws = opened(Path(root), database)
    real = taking.take_together

    def with_witness(ws: Workspace, connection: sa.Connection, records: Sequence[AnyRecord]) -> None:
        real(ws, connection, records)
        rows = [{"run": one.run, "step": one.step} for one in records if isinstance(one, Row)]
        if rows:
            connection.execute(sa.insert(witnessed), rows)

    taking.take_together = with_witness
    run_server(ws, host="127.0.0.1", port=int(port), on_ready=lambda _: None)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
