"""What one client may cost: bytes, time, places."""

from __future__ import annotations

from dataclasses import dataclass

from noria.core.errors import BadInput


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds.

    A request must be complete `request_seconds` after its first byte, and later only by what it sends at `slowest`
    bytes a second: neither a slow head nor a slow body holds a place for long. `idle_seconds` is how long an unused
    connection stays; `stalled_seconds` how long a client may leave an answer unread. `pipelined` requests of one
    connection may wait for each other, `waiting` of all connections for their answers; more is refused with 503.
    """

    body: int = 10_000_000
    head: int = 32_768
    headers: int = 128
    request_seconds: float = 20.0
    slowest: int = 20_000
    idle_seconds: float = 75.0
    stalled_seconds: float = 30.0
    drain_seconds: float = 30.0
    connections: int = 8192
    pipelined: int = 64
    waiting: int = 2048

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise BadInput(f"the limit {name} is {value}", hint="every limit is a positive number")
