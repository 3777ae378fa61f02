"""Who works on a run: a process, named so that its death can be told from its slowness on the same machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_process() -> str:
    """The name of this process: host, number, and when it started (numbers are used again)."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(owner: str) -> bool:
    """True when the owner ran on this machine and is gone; False when it lives or cannot be known from here."""
    host, _, rest = owner.partition("/")
    number, _, started = rest.partition("/")
    if host != socket.gethostname() or not number.isdigit() or not Path("/proc/self").exists():
        return False
    return _started(int(number)) != started


def _started(number: int) -> str:
    """When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); empty when it is gone."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
