"""Quantities with a unit, so that no bare number travels: `hours(3)`, `ms(20)`, `requests(500)`."""

from __future__ import annotations

from dataclasses import dataclass

_NAMES = ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms"))
_TWO_DAYS = 172_800_000_000


@dataclass(frozen=True, order=True)
class Duration:
    """A length of time in whole microseconds.

    >>> str(hours(24)), str(minutes(90)), str(days(2))
    ('24h', '90min', '2d')
    """

    micros: int

    def __str__(self) -> str:
        for size, name in _NAMES if self.micros >= _TWO_DAYS else _NAMES[1:]:
            if self.micros and self.micros % size == 0:
                return f"{self.micros // size}{name}"
        return f"{self.micros}us"

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.micros / 1_000_000


@dataclass(frozen=True, order=True)
class Requests:
    """A number of requests: how long a rollout stage lasts."""

    count: int

    def __str__(self) -> str:
        return f"{self.count} requests"


def days(number: float) -> Duration:
    """A length of `number` days of 24 hours."""
    return Duration(round(number * 86_400_000_000))


def hours(number: float) -> Duration:
    """A length of `number` hours."""
    return Duration(round(number * 3_600_000_000))


def minutes(number: float) -> Duration:
    """A length of `number` minutes."""
    return Duration(round(number * 60_000_000))


def seconds(number: float) -> Duration:
    """A length of `number` seconds."""
    return Duration(round(number * 1_000_000))


def ms(number: float) -> Duration:
    """A length of `number` milliseconds."""
    return Duration(round(number * 1_000))


def requests(number: int) -> Requests:
    """`number` requests."""
    return Requests(number)
