"""When a value served and a value computed are the same: DESIGN's equality of offline and online."""

from __future__ import annotations

import math
from typing import Any

_TOLERANCE = 1e-9
"""Relative difference of doubles up to which they are equal; everything else is compared bit by bit."""


def equal(online: Any, offline: Any) -> bool:
    """Whether two values are the same: bit by bit, but for doubles, which may differ by their last digits.

    >>> equal(0.1 + 0.2, 0.3), equal(None, 0.0), equal("JFK", "JFK"), equal([0.1 + 0.2], [0.3])
    (True, False, True, True)
    """
    if isinstance(online, float) and isinstance(offline, float):
        both_nan = math.isnan(online) and math.isnan(offline)
        return both_nan or math.isclose(online, offline, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    if isinstance(online, list) and isinstance(offline, list):
        return len(online) == len(offline) and all(map(equal, online, offline))
    return bool(online == offline)
