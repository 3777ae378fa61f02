"""The noise floor: how far ordinary weeks lie from the rest of the reference.

Days and weeks of real traffic differ from each other without anything being wrong, far more than random
sampling would explain, so no p-value and no threshold that only knows the number of rows keeps a monitor
quiet. What does: cut the reference into blocks as long as the window that will be watched, compare each
with all the rest (leave one block out), and take the upper end of those distances as the floor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from noria.monitoring.bins import Floats, Ints

MOST_BLOCKS = 300
"""Blocks compared at most; more would cost time and change little."""

ENOUGH = 60
"""Blocks from which on the 99th percentile is read off; below it, mean plus three standard deviations."""


def blocks(times: Ints, window: int) -> list[tuple[int, int]]:
    """Row ranges `[first, last)` of blocks of `window` microseconds, sliding; `times` must be sorted.

    Where the reference is shorter than four windows the blocks are a quarter of it: shorter blocks scatter
    more, so the floor errs to the quiet side. Without any span of time the rows are cut in ten by order.
    Blocks with less than a fifth of the usual rows (a gap in the data) are left out.
    """
    rows = len(times)
    if rows < 20:
        return []
    span = int(times[-1]) - int(times[0])
    if span <= 0:
        cuts = np.linspace(0, rows, 11).astype(int)
        return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
    length = min(window, span // 4) or 1
    number = int(min(MOST_BLOCKS, max(4, 7 * (span // length))))
    starts = np.linspace(int(times[0]), int(times[-1]) - length, number).astype(np.int64)
    first, last = np.searchsorted(times, starts), np.searchsorted(times, starts + length, side="right")
    usual = np.median(last - first)
    return [(int(a), int(b)) for a, b in zip(first, last, strict=True) if b - a >= max(usual / 5, 2)]


def independent(times: Ints, window: int) -> int:
    """How many blocks of `window` fit beside each other into the reference."""
    span = int(times[-1]) - int(times[0]) if len(times) else 0
    return int(span // max(min(window, span // 4), 1)) if span > 0 else 10


def upper_end(effects: Floats, count: int) -> float:
    """The 99th percentile of block effects; with few independent blocks mean + 3 sd, if that is more.

    >>> round(upper_end(np.array([0.1, 0.1, 0.1]), 3), 6)
    0.1
    """
    if not len(effects):
        return 0.0
    high = float(np.quantile(effects, 0.99))
    if count >= ENOUGH:
        return high
    return max(high, float(effects.mean() + 3 * effects.std()))


def floor(
    cells: Ints, size: int, ranges: list[tuple[int, int]], effect: Callable[[Ints, Ints], Floats], count: int
) -> float:
    """The noise floor of one feature.

    `cells` is each row's bin in time order, -1 for null; `size` how many bins there are; `effect` the distance
    between each row of counts and the matching row of reference counts.
    """
    if not ranges:
        return 0.0
    known = cells >= 0
    total = np.bincount(cells[known], minlength=size)
    inside = np.stack([np.bincount(part[part >= 0], minlength=size) for part in (cells[a:b] for a, b in ranges)])
    rest = total - inside
    usable = (inside.sum(axis=1) > 0) & (rest.sum(axis=1) > 0)
    return upper_end(effect(inside[usable], rest[usable]), count) if usable.any() else 0.0
