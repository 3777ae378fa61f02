"""Our own server, started the way a user starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from noria.testing.server_process import ServerProcess, free_port


def noria_server(
    folder: Path, *, url: str = "", port: int = 0, before: tuple[str, ...] = (), page: Path | None = None
) -> ServerProcess:
    """`noria server` with its state in `folder`: SQLite unless `url` says else; `page` is a web page to serve."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [*before, sys.executable, "-m", "noria.cli.main", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--project", str(folder), "--home", str(folder)]
    if url:
        command += ["--database", url]
    if page is not None:
        command += ["--page", str(page)]
    return ServerProcess(command, port, folder / "server.log")
