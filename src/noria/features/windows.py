"""Where a window begins and ends: floored integer arithmetic on microseconds, the same offline and online.

A window of length W at time t covers [floor(t - offset - W, hop), t - offset), its end exclusive. Unless it is
said otherwise the hop is 5 minutes for windows up to 12 hours, 1 hour up to 12 days, 1 day beyond; only the
far end is rounded, so nothing recent is lost. (The "sawtooth" window of Chronon, docs/source/window_tiling.md.)
A hop of 1 microsecond rounds nothing. A lifetime window has no beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from noria.core.clock import Micros
from noria.features.model import FOREVER, FeatureSpec, ViewSpec

_HOUR = 3_600_000_000
_HOPS = ((12 * _HOUR, 300_000_000), (12 * 24 * _HOUR, _HOUR))
DAY = 24 * _HOUR


@dataclass(frozen=True, order=True)
class Span:
    """The window of a feature: `length` and `hop` in microseconds; a lifetime is FOREVER long, with hops of a day."""

    length: Micros
    hop: Micros
    offset: Micros = 0

    @property
    def lifetime(self) -> bool:
        """Whether it has no beginning."""
        return self.length >= FOREVER

    def start(self, moment: Micros) -> Micros:
        """Where the window at `moment` begins, inclusive; of a lifetime, before everything."""
        return -FOREVER if self.lifetime else floor(moment - self.offset - self.length, self.hop)

    def end(self, moment: Micros) -> Micros:
        """Where the window at `moment` ends, exclusive."""
        return moment - self.offset

    @property
    def reach(self) -> Micros:
        """How long before a moment a row can lie that its window covers."""
        return FOREVER if self.lifetime else self.offset + self.length + self.hop


def hop_of(window: Micros) -> Micros:
    """The rounding of a window's far end, when none is asked for.

    >>> hop_of(3 * 3_600_000_000) // 60_000_000, hop_of(7 * 86_400_000_000) // 60_000_000
    (5, 60)
    """
    for longest, hop in _HOPS:
        if window <= longest:
            return hop
    return DAY


def span_of(feature: FeatureSpec) -> Span:
    """The window of an aggregate (not of `latest`)."""
    if feature.lifetime or feature.window is None:
        return Span(FOREVER, DAY, feature.offset)
    return Span(feature.window, feature.hop or hop_of(feature.window), feature.offset)


def floor(moment: Micros, hop: Micros) -> Micros:
    """The last multiple of `hop` at or before `moment`; also before 1970.

    >>> floor(-1, 10), floor(19, 10)
    (-10, 10)
    """
    return moment - moment % hop


def window_start(moment: Micros, window: Micros) -> Micros:
    """Where the plain window that ends before `moment` begins, inclusive."""
    return floor(moment - window, hop_of(window))


def lookback(views: Iterable[ViewSpec]) -> Micros:
    """The longest time before a request from which a row can matter, rounding included; at most FOREVER."""
    longest = 0
    for view in views:
        for feature in view.features:
            ttl = FOREVER if feature.ttl is None else feature.ttl
            longest = max(longest, span_of(feature).reach if feature.windowed else ttl)
    return min(longest, FOREVER)


def reach(view: ViewSpec, source: str) -> Micros:
    """The longest time before a request from which a row of `source` can matter to a view; at most FOREVER."""
    own = lookback([view])
    reaches = [own] if source == view.source else []
    reaches += [own + (FOREVER if join.ttl is None else join.ttl) for join in view.joins if join.source == source]
    return min(max(reaches, default=0), FOREVER)
