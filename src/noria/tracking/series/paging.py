"""A page of a series in the order of time, wherever in it: only the chunks that the page touches are opened."""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy as sa

from noria.tracking.series.columns import Columns, by_time, joined
from noria.tracking.series.stored import Head, PointKey, Series, heads, opened, unsealed_after


def first_points(connection: sa.Connection, series: Series, after: PointKey | None, limit: int) -> Columns:
    """The first `limit` points after one of them, or from the start, ordered by (at, step, value), each once."""
    found = unsealed_after(connection, series, after, limit)
    for head in sorted(heads(connection, series), key=_earliest):
        if after is not None and _latest(head) < after[:2]:
            continue
        if _place(found, *_earliest(head)) >= limit:
            break  # whatever this chunk and all later ones hold comes after the page
        for points in opened(connection, series, [head.number]):
            later = points if after is None else points.chosen(slice(_place_after(points, after), None))
            found = by_time(joined([found, later])).chosen(slice(limit))
    return found


def key_of(points: Columns, number: int) -> PointKey:
    """Where one of the points stands in the order of time."""
    value = float(points.value[number])
    nan = math.isnan(value)
    return int(points.at[number]), int(points.step[number]), 0.0 if nan else value, int(nan)


def _earliest(head: Head) -> tuple[int, int]:
    """No point of the chunk is earlier."""
    return head.first_at, head.first_step


def _latest(head: Head) -> tuple[int, int]:
    """No point of the chunk is later."""
    return head.last_at, head.last_step


def _place(points: Columns, at: int, step: int, side: Any = "left") -> int:
    """How many points are before (at, step); with those equal to it when `side` is right."""
    import numpy as np

    start, end = np.searchsorted(points.at, at), np.searchsorted(points.at, at, "right")
    return int(start + np.searchsorted(points.step[start:end], step, side))


def _place_after(points: Columns, after: PointKey) -> int:
    """How many points are not after one of them."""
    at, step, *_ = after
    start, end = _place(points, at, step), _place(points, at, step, "right")
    while start < end and key_of(points, start) <= after:
        start += 1
    return start
