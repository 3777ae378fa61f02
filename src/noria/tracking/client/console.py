"""What a run prints, kept as it is printed: a copy of standard output and standard error, of bounded length.

The copy is written straight to files in the spool's folder, so it is there after a `kill -9`. The beginning and
the end of a long output are kept; what lies between is counted.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = "console"
_HEAD = 1 << 20
_TAIL = 1 << 20


class ConsoleFile:
    """The bounded copy: `head` takes the first bytes, then `tail.0` and `tail.1` take turns."""

    def __init__(self, folder: Path, *, head: int = _HEAD, tail: int = _TAIL) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._limits = {"head": head, "tail.0": tail, "tail.1": tail}
        self._lock = threading.Lock()
        self._left_out = 0
        self._name, self._size = "head", 0
        self._file = self._opened("head")

    def write(self, data: bytes) -> None:
        """Append; an error of the disk is ignored, since printing must go on."""
        with self._lock, suppress(OSError):
            while data:
                room = self._limits[self._name] - self._size
                os.write(self._file, data[:room])
                self._size += min(room, len(data))
                data = data[room:]
                if data:
                    self._turn()

    def close(self) -> None:
        """Write no more."""
        with self._lock, suppress(OSError):
            os.close(self._file)
            self._file = -1

    def _turn(self) -> None:
        following = "tail.1" if self._name == "tail.0" else "tail.0"
        path = self._folder / following
        if path.exists():
            self._left_out += path.stat().st_size
            (self._folder / "left-out").write_text(str(self._left_out))
            path.unlink()
        os.close(self._file)
        self._name, self._size, self._file = following, 0, self._opened(following)

    def _opened(self, name: str) -> int:
        return os.open(self._folder / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o644)


def gathered(folder: Path) -> bytes:
    """What a run printed, from the files it left; empty when it printed nothing, or was not listened to."""
    console = folder / FOLDER
    tails = sorted(console.glob("tail.*"), key=_age)
    parts = [_read(path) for path in (console / "head", *tails)]
    if left_out := _read(console / "left-out"):
        parts.insert(1, f"\n[... {int(left_out):,} bytes are left out ...]\n".encode())
    return b"".join(parts)


class Tee:
    """Stands in for a stream: everything goes to the stream, and what is written also into the copy."""

    def __init__(self, stream: Any, copy: ConsoleFile) -> None:
        self._stream, self._copy = stream, copy

    def write(self, text: str) -> Any:
        """Write to both; errors are the stream's own."""
        written = self._stream.write(text)
        with suppress(Exception):
            self._copy.write(text.encode("utf-8", "replace"))
        return written

    def writelines(self, lines: Any) -> None:
        """Write each line to both."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)


class Listening:
    """Standard output and error are copied from `start` to `stop`."""

    def __init__(self, folder: Path) -> None:
        self._copy = ConsoleFile(folder)
        self._before = (sys.stdout, sys.stderr)
        self._tees = (Tee(sys.stdout, self._copy), Tee(sys.stderr, self._copy))
        if sys.stdout is not None:
            sys.stdout = self._tees[0]
        if sys.stderr is not None:
            sys.stderr = self._tees[1]

    def note(self, text: str) -> None:
        """Put something into the copy alone, such as a traceback that is printed when nobody listens any more."""
        self._copy.write(text.encode("utf-8", "replace"))

    def stop(self) -> None:
        """Put the streams back, unless somebody has put others there meanwhile."""
        if sys.stdout is self._tees[0]:
            sys.stdout = self._before[0]
        if sys.stderr is self._tees[1]:
            sys.stderr = self._before[1]
        self._copy.close()


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
