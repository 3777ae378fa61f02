"""What time it is: int64 microseconds since 1970-01-01 UTC, everywhere, passed in and never fetched.

This is the only module that reads the machine's clock (a linter rule bans it elsewhere), so a test, a
back-test or a replay can drive time by handing in another `Clock`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

Micros = int
"""A moment, or a length of time, in microseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999  # what a datetime can hold: the years 1 to 9999


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> Micros:
        """Microseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Micros:
        return time.time_ns() // 1000


class ManualClock:
    """A clock that stands still until it is moved, and never goes back.

    >>> clock = ManualClock(10)
    >>> clock.advance_to(25); clock.advance_to(20); clock.now()
    25
    """

    def __init__(self, start: Micros = 0) -> None:
        self._now = start

    def now(self) -> Micros:
        return self._now

    def advance_to(self, moment: Micros) -> None:
        """Move forward to `moment`; a moment already past changes nothing."""
        self._now = max(self._now, moment)


def to_micros(moment: datetime) -> Micros:
    """A datetime as microseconds UTC; one without a zone is taken to be UTC.

    Raises ValueError when its zone takes it out of the years 1 to 9999.

    >>> to_micros(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole = aware - _EPOCH
    micros = (whole.days * 86_400 + whole.seconds) * 1_000_000 + whole.microseconds
    if not _FIRST <= micros <= _LAST:
        raise ValueError(f"{moment} is outside the years 1 to 9999 UTC")
    return micros


def to_datetime(moment: Micros) -> datetime:
    """Microseconds as an aware UTC datetime. Raises ValueError outside the years 1 to 9999."""
    if not _FIRST <= moment <= _LAST:
        raise ValueError(f"{moment} microseconds is outside the years 1 to 9999")
    return _EPOCH + timedelta(microseconds=moment)


def parse_moment(text: str) -> Micros:
    """An ISO date or datetime as microseconds UTC.

    Raises ValueError when the text is neither, or outside the years 1 to 9999.

    >>> parse_moment("1970-01-02")
    86400000000
    """
    return to_micros(datetime.fromisoformat(text))


def show_moment(moment: Micros) -> str:
    """A moment as people read it, to the second.

    >>> show_moment(86400000000)
    '1970-01-02 00:00:00Z'
    """
    return to_datetime(moment).strftime("%Y-%m-%d %H:%M:%SZ")


def cpu_seconds() -> float:
    """Processor seconds this process has used; for measuring cost."""
    return time.process_time()


def thread_seconds() -> float:
    """Processor seconds the calling thread has used: what it costs others on a loop, however busy the machine is."""
    return time.thread_time()


def monotonic() -> float:
    """Seconds on a clock that never jumps; only differences mean anything."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait. Only loops of long-running processes do, never an operation."""
    time.sleep(seconds)
