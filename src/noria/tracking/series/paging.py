"""A page of a series in the order of time, wherever in it: only the chunks that the page touches are opened."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from noria.tracking.series.columns import Columns, PointKey, by_time, joined, key_of, no_points
from noria.tracking.series.stored import Head, Series, heads, opened, unsealed_after


def first_points(connection: sa.Connection, series: Series, after: PointKey | None, limit: int) -> Columns:
    """The first `limit` points after one of them, or from the start, ordered by (at, step, value), each once.

    Chunks, and the rows as if they were one, are taken by their earliest point until all that is left comes later.
    """
    rows = unsealed_after(connection, series, after, limit)
    parts: list[tuple[int, int, Head | None]] = [(*_earliest(head), head) for head in heads(connection, series)]
    if rows.size:
        parts.append((int(rows.at[0]), int(rows.step[0]), None))
    found = no_points()
    for at, step, head in sorted(parts, key=lambda part: part[:2]):
        if _place(found, at, step) >= limit:
            break
        if head is None:
            found = _with(found, rows, limit)
        elif after is None or _latest(head) >= after[:2]:
            for points in opened(connection, series, [head.number]):
                later = points if after is None else points.chosen(slice(_place_after(points, after), None))
                found = _with(found, later, limit)
    return found


def _with(found: Columns, more: Columns, limit: int) -> Columns:
    return by_time(joined([found, more])).chosen(slice(limit))


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
