"""A real PostgreSQL server of one's own, for as long as a `with` lasts."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

_USERS = ("postgres", "nobody")
PLACES = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs, a folder for each release; elsewhere they are on the PATH."""


class PostgresServer:
    """Makes a database cluster in a temporary folder and serves it on a free port of this machine.

    `url` is an SQLAlchemy URL of a database named `postgres`; anybody local may do anything. `stop` and
    `start` take it away and bring it back with its data and on the same port.
    """

    def __init__(self) -> None:
        self._programs = programs()
        self._become = _become()
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, self._become[1])
        self.port = _free_port()
        self._run("initdb", "-U", "noria", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"postgresql+psycopg://noria@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Serve; returns when connections are accepted."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Break off every connection and stop."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if (self.folder / "data" / "postmaster.pid").exists():
                self.stop()
        finally:
            shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._become[0], str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises FileNotFoundError saying how to get them."""
    found = shutil.which("pg_ctl")
    places = sorted(PLACES.glob("*/bin")) or ([Path(found).resolve().parent] if found else [])
    if not places:
        raise FileNotFoundError("the tests need PostgreSQL and never do without: apt install postgresql")
    return places[-1]


def _become() -> tuple[list[str], str]:
    """What to write before a command so that it does not run as root, which PostgreSQL refuses, and as whom it runs."""
    if os.geteuid() != 0:
        return [], ""
    known = {one.pw_name: one for one in pwd.getpwall()}
    user = next(known[name] for name in _USERS if name in known)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids], user.pw_name


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
