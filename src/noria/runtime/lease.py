"""Who holds a run, and for how long.

A lease must keep working while the workspace's clock is driven by data (a replay) and while somebody sets the
machine's clock, so it is measured on a clock of its own: on PostgreSQL the server's, which all workers share;
on SQLite, whose users all sit on one machine, the kernel's monotonic clock, which never jumps and is the same
in every process until the next boot. An owner is written down with its boot, process id and start time, so a
worker that was killed on this machine is known to be dead at once, without waiting for its lease to end.

Safety never rests on any clock: taking a run raises its fence, and every write names the fence it was taken
with (see `hold.py`). A wrong clock can cost time or a repeated idempotent step, not a doubled effect.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros, monotonic
from noria.stores.database import Database

LONGEST = 86_400_000_000
"""No lease is longer than a day, so one that seems to be was written before the machine's clock restarted."""


@dataclass(frozen=True)
class Owner:
    """One worker of one process. `machine` names the boot and the process namespace; `token` the worker."""

    machine: str
    pid: int
    started: int
    token: str

    def __str__(self) -> str:
        return f"{self.machine} {self.pid} {self.started} {self.token}"


def machine() -> str:
    """This boot of this machine, as this process sees process ids; elsewhere than on Linux just its name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink().name}".replace(" ", "")
    except OSError:
        return f"{platform.node() or 'localhost'}/-".replace(" ", "")


def process_start(pid: int) -> int | None:
    """When a process started, in ticks since boot; None when there is no such process or it is only a corpse."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the command's name may hold spaces and brackets
    return None if fields[0] in "ZXx" else int(fields[19])


def is_gone(owner: str | None) -> bool:
    """True when an owner, as written down, is surely dead: of this machine, and its process is not there."""
    if owner is None:
        return True
    here, pid, started, _ = owner.split(" ", 3)
    if here != machine() or here.endswith("/-"):
        return False
    return process_start(int(pid)) != int(started)


class LeaseClock:
    """The clock that leases are measured on: `now` as an SQL expression or a number."""

    def __init__(self, database: Database) -> None:
        self.is_local = database.is_sqlite

    def now(self) -> sa.ColumnElement[int]:
        """The present moment, to be used inside a statement."""
        return sa.literal(local_now(), sa.BigInteger) if self.is_local else SERVER_NOW

    def over(self, row: sa.Row[Any]) -> bool:
        """Whether the lease of a running run has ended; `row` has owner, lease_until and clock (= `now()`)."""
        ends = row.lease_until
        if ends is None or row.owner is None or ends <= row.clock or is_gone(row.owner):
            return True
        return self.is_local and (row.owner.split(" ", 1)[0] != machine() or ends > row.clock + LONGEST)


def local_now() -> Micros:
    """The monotonic clock in microseconds."""
    return round(monotonic() * 1_000_000)


SERVER_NOW: sa.ColumnElement[int] = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger)
"""PostgreSQL's clock in microseconds, read when the statement runs and not when its transaction began."""
