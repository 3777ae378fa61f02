"""A server in a process tree of its own, for as long as a `with` lasts."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from noria.config.environment import environment
from noria.core.clock import monotonic, sleep

PATIENCE_S = 180.0
"""How long a server may take to answer its first request: MLflow on a busy machine takes a minute."""


class ServerProcess:
    """Runs `command` until the `with` ends; entering waits until GET /health answers 200.

    `more` is added to this process's environment. What the server prints goes to `log`. Leaving ends the whole
    process group, its children included, by SIGTERM and ten seconds later by SIGKILL.
    """

    def __init__(self, command: Sequence[str], port: int, log: Path, more: Mapping[str, str] | None = None):
        self.command = list(command)
        self.port = port
        self.log = log
        self._environment = {**environment(), **(more or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process at the root of its tree. Raises RuntimeError when it is not running."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers. Raises RuntimeError with the end of its log when it does not."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command, env=self._environment, stdout=out, stderr=out, start_new_session=True
            )
        end = monotonic() + PATIENCE_S
        while not self._healthy():
            if self._process.poll() is not None or monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.command[:4]} did not come up:\n{self.log.read_text()[-4000:]}")
            sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the tree; SIGKILL is what a machine that fails does."""
        if self._process is None:
            return
        self._signal(how)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _signal(self, how: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
