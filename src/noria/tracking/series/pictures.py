"""A series in few points: its picture, with every extreme, or the sample that MLflow would take.

Where it costs little the points themselves are looked through; of a long series only the sketches of its chunks
are read, and those chunks are opened that a range of steps cuts through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from noria.tracking.series.columns import Columns, by_step, joined
from noria.tracking.series.extremes import STRETCHES, drawn, merged, sketched
from noria.tracking.series.stored import Head, Series, heads, opened, sketches, unsealed

if TYPE_CHECKING:
    from noria.tracking.series.columns import Whole

Steps = tuple[int, int]
ALL_STEPS: Steps = (-(2**63), 2**63 - 1)
_OPENED = 4
"""So many chunks are always opened: about two milliseconds."""


def picture(connection: sa.Connection, series: Series, steps: Steps, buckets: int) -> Columns:
    """Every point when there are at most 2 * `buckets` + 2, else so many at most, the extremes of all among them."""
    touched = _touched(connection, series, steps)
    if not _cheap(touched, buckets):
        return _from_sketches(connection, series, touched, steps, buckets)
    points = _points(connection, series, touched, steps)
    return points if points.size <= 2 * buckets + 2 else drawn(sketched(points, buckets), buckets)


def sample(connection: sa.Connection, series: Series, steps: Steps, limit: int) -> Columns:
    """At most `limit` points: those that MLflow takes where that is cheap, else a picture.

    MLflow cuts the points, ordered by (step, at, value), into `limit` buckets as SQL's NTILE does, takes the first
    of each, and the last of all in place of the last bucket's.
    """
    touched = _touched(connection, series, steps)
    if not _cheap(touched, limit // 2):
        found = _from_sketches(connection, series, touched, steps, max((limit - 2) // 2, 1))
        return found if found.size <= limit else found.chosen(_ntile(found.size, limit))
    points = _points(connection, series, touched, steps)
    return points if points.size <= limit else points.chosen(_ntile(points.size, limit))


def _ntile(count: int, buckets: int) -> Whole:
    """Where the first of each bucket is, but in place of the last bucket's the last of all."""
    import numpy as np

    number = np.arange(buckets)
    firsts = number * (count // buckets) + np.minimum(number, count % buckets)
    firsts[-1] = count - 1
    return firsts


def _touched(connection: sa.Connection, series: Series, steps: Steps) -> list[Head]:
    return [one for one in heads(connection, series) if one.first_step <= steps[1] and one.last_step >= steps[0]]


def _cheap(touched: list[Head], buckets: int) -> bool:
    """Whether the points are looked through themselves: they are few, or sketches too coarse for so many buckets."""
    return len(touched) <= max(_OPENED, buckets // STRETCHES)


def _points(connection: sa.Connection, series: Series, touched: list[Head], steps: Steps) -> Columns:
    parts = [_within(one, steps) for one in opened(connection, series, [head.number for head in touched])]
    return by_step(joined([*parts, unsealed(connection, series, steps=steps)]))


def _from_sketches(
    connection: sa.Connection, series: Series, touched: list[Head], steps: Steps, buckets: int
) -> Columns:
    inside = {one.number for one in touched if steps[0] <= one.first_step and one.last_step <= steps[1]}
    cut = [one.number for one in touched if one.number not in inside]
    rest = [_within(one, steps) for one in opened(connection, series, cut)]
    points = by_step(joined([*rest, unsealed(connection, series, steps=steps)]))
    return drawn(merged([*sketches(connection, series, inside), sketched(points, points.size)]), buckets)


def _within(points: Columns, steps: Steps) -> Columns:
    if not points.size or (steps[0] <= points.step.min() and points.step.max() <= steps[1]):
        return points
    return points.chosen((steps[0] <= points.step) & (points.step <= steps[1]))
