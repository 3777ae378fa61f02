"""Where a window begins and ends: floored integer arithmetic on microseconds, the same offline and online.

A window of length W at time t covers [floor(t - W, hop), t), its end exclusive. The hop is 5 minutes for
windows up to 12 hours, 1 hour up to 12 days, 1 day beyond; only the far end is rounded, so nothing recent
is lost. (The "sawtooth" window of Chronon, docs/source/window_tiling.md.)
"""

from __future__ import annotations

from collections.abc import Iterable

from noria.core.clock import Micros
from noria.features.model import ViewSpec

_HOUR = 3_600_000_000
_HOPS = ((12 * _HOUR, 300_000_000), (12 * 24 * _HOUR, _HOUR))


def hop_of(window: Micros) -> Micros:
    """The rounding of a window's far end.

    >>> hop_of(3 * 3_600_000_000) // 60_000_000, hop_of(7 * 86_400_000_000) // 60_000_000
    (5, 60)
    """
    for longest, hop in _HOPS:
        if window <= longest:
            return hop
    return 24 * _HOUR


def floor(moment: Micros, hop: Micros) -> Micros:
    """The last multiple of `hop` at or before `moment`; also before 1970.

    >>> floor(-1, 10), floor(19, 10)
    (-10, 10)
    """
    return moment - moment % hop


def window_start(moment: Micros, window: Micros) -> Micros:
    """Where the window that ends before `moment` begins, inclusive."""
    return floor(moment - window, hop_of(window))


def lookback(views: Iterable[ViewSpec]) -> Micros:
    """The longest time before a request from which a row can matter, rounding included."""
    longest = 0
    for view in views:
        for feature in view.features:
            if feature.window is not None:
                longest = max(longest, feature.window + hop_of(feature.window))
            longest = max(longest, feature.ttl or 0)
    return longest
