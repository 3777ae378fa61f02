"""What every comparison of two servers needs: CPU and memory of a process tree, a raw connection, one core each."""

from __future__ import annotations

import http.client
import json
import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noria.core.clock import monotonic

TICK = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = 0, 1
IDLE_S = 2.0
"""Servers hang up on a connection that has been idle; MLflow's after five seconds."""


def pinned() -> tuple[str, ...]:
    """What to write before a server's command: one core for it, when there are two. This process takes the other."""
    if (os.cpu_count() or 1) < 2:
        return ()
    os.sched_setaffinity(0, {LOAD_CORE})
    return ("taskset", "-c", str(SERVER_CORE))


def machine() -> str:
    """Processor, its vector instructions, cores, system."""
    about = Path("/proc/cpuinfo").read_text().splitlines()
    said = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in about}
    wanted = ("sse4_2", "avx", "avx2", "avx512f", "avx512_vnni", "amx_int8", "sha_ni")
    flags = [flag for flag in wanted if flag in said.get("flags", "").split()]
    model = said.get("model name", platform.machine())
    return f"{model}; {os.cpu_count()} cores; {' '.join(flags)}; Linux {platform.release()}"


def tree(root: int) -> list[int]:
    """A process and everything below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, ahead = [], [root]
    while ahead:
        found.append(ahead.pop())
        ahead += parents.get(found[-1], [])
    return found


def cpu_seconds(root: int) -> float:
    """CPU time of the tree so far, user and system, with that of children that have ended; ticks of 10 ms."""
    return sum(sum(int(one) for one in fields[11:15]) for pid in tree(root) if (fields := _stat(pid))) / TICK


def memory_mb(root: int) -> tuple[float, float]:
    """Resident and proportional (shared pages divided among their users) megabytes of the tree."""
    resident = shared = 0
    for pid in tree(root):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            resident += int(line.split()[1]) if line.startswith("Rss:") else 0
            shared += int(line.split()[1]) if line.startswith("Pss:") else 0
    return resident / 1024, shared / 1024


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on: [1] is the parent, [11:15] the four times; [] when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


class Connection:
    """One kept-alive HTTP connection without a client library around it."""

    def __init__(self, port: int, timeout: float = 600) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._used = monotonic()

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of the answer. Raises RuntimeError for anything but 200."""
        if monotonic() - self._used > IDLE_S:
            self._http.close()  # the next request opens it again
        self._used = monotonic()
        self._http.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = self._http.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:300]!r}")
        return said

    def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """Send and read JSON: for setting up, not for measuring."""
        return dict(json.loads(self.send("POST", path, json.dumps(fields).encode())))

    def close(self) -> None:
        self._http.close()


@dataclass(frozen=True)
class Figure:
    """What was measured: the median, and the least and the most of several."""

    values: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, digits: str) -> str:
        if not self.values:
            return self.note
        spread = (
            f" ({format(min(self.values), digits)} to {format(max(self.values), digits)})"
            if len(self.values) > 1
            else ""
        )
        return f"{format(self.median, digits)}{spread}{' ' + self.note if self.note else ''}"
