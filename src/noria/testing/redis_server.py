"""A real Redis server of one's own, for as long as a `with` lasts."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry


class RedisServer:
    """Serves a temporary folder on a free port of this machine, every write in its append-only file.

    `stop`, `kill` and `start` take it away and bring it back on the same port; what `options` say is added to
    its command line.
    """

    def __init__(self, *options: str) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("the tests need Redis and never do without: apt install redis-server")
        self.folder = Path(tempfile.mkdtemp(prefix="redis"))
        self.port = _free_port()
        self._command = [program, "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, **options: str) -> redis.Redis:
        """A client of one's own."""
        return redis.Redis(host="127.0.0.1", port=self.port, **options)  # type: ignore[arg-type]

    def start(self, *options: str, wait: bool = True) -> None:
        """Serve; returns when it answers."""
        where = ["--port", str(self.port), "--appendonly", "yes", "--appendfsync", "everysec"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*self._command, *where, *options], stdout=log, stderr=log)
        while wait and not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """Let it write everything down and end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would: nothing is written down any more."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        patient = Retry(ConstantBackoff(0.02), 10)
        with redis.Redis(host="127.0.0.1", port=self.port, retry=patient) as client:
            try:
                return bool(client.ping())
            except redis.AuthenticationError:
                return True
            except redis.RedisError:
                return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
