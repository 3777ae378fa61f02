"""Points as columns of numbers: put in order, each point once.

A NaN stands where a NaN was logged. In every order it comes where a 0 would, just after it: that is how it is
written in the database (see points.py), and how MLflow sorts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]
    Doubles = NDArray[np.float64]
    Truths = NDArray[np.bool_]

PointKey = tuple[int, int, float, int]
"""at, step, value, is_nan: where a point stands in the order of time."""


class Columns(NamedTuple):
    """Points of one series as three arrays of one length.

    `at` and `step` are int64, `value` is float64; `at` is what the client said, milliseconds since the epoch.
    """

    at: Whole
    step: Whole
    value: Doubles

    @property
    def size(self) -> int:
        """How many points."""
        return int(self.at.size)

    def chosen(self, which: Whole | Truths | slice) -> Columns:
        """Some of them: an index, a mask or a slice."""
        return Columns(self.at[which], self.step[which], self.value[which])


def no_points() -> Columns:
    """Columns of length 0."""
    import numpy as np

    return Columns(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


def from_rows(rows: Iterable[Sequence[float]]) -> Columns:
    """Rows of (step, at, value, is_nan) as columns, in the same order."""
    import numpy as np

    columns = list(zip(*rows, strict=True))
    if not columns:
        return no_points()
    steps, ats, values, flags = columns
    value = np.array(values, np.float64)
    if any(flags):
        value[np.array(flags, np.bool_)] = np.nan
    return Columns(np.array(ats, np.int64), np.array(steps, np.int64), value)


def joined(parts: Sequence[Columns]) -> Columns:
    """One after the other."""
    import numpy as np

    if not parts:
        return no_points()
    if len(parts) == 1:
        return parts[0]
    ats, steps, values = zip(*parts, strict=True)
    return Columns(np.concatenate(ats), np.concatenate(steps), np.concatenate(values))


def by_time(points: Columns) -> Columns:
    """Each point once, ordered by (at, step, value)."""
    return points.chosen(_order(points.at, points.step, points.value))


def by_step(points: Columns) -> Columns:
    """Each point once, ordered by (step, at, value)."""
    return points.chosen(_order(points.step, points.at, points.value))


def key_of(points: Columns, number: int) -> PointKey:
    """Where one of the points stands in the order of time."""
    value = float(points.value[number])
    nan = math.isnan(value)
    return int(points.at[number]), int(points.step[number]), 0.0 if nan else value, int(nan)


def _order(first: Whole, second: Whole, value: Doubles) -> Whole | slice:
    """Where the points are in order; a slice, which copies nothing, when they are so already."""
    import numpy as np

    if (first[1:] > first[:-1]).all():
        return slice(None)
    nan = np.isnan(value)
    number = np.where(nan, 0.0, value)
    keys = (nan, number, second, first)
    if _greater(keys).all():
        return slice(None)
    order = np.lexsort(keys)
    kept = np.ones(order.size, np.bool_)
    kept[1:] = _greater(tuple(key[order] for key in keys))  # in order, what is not greater is equal
    return order[kept]


def _greater(keys: Sequence[NDArray[np.generic]]) -> Truths:
    """Whether each point but the first is greater than the one before it; the last key counts most."""
    import numpy as np

    greater: Truths = np.zeros(keys[0].size - 1, np.bool_)
    for key in keys:
        later, earlier = key[1:], key[:-1]
        greater = (later > earlier) | ((later == earlier) & greater)  # type: ignore[operator]
    return greater


def without(points: Columns, others: Columns) -> Columns:
    """The points that are not among others, in the same order."""
    import numpy as np

    if not points.size or not others.size:
        return points
    everything = joined([others, points])
    nan = np.isnan(everything.value)
    keys = (nan, np.where(nan, 0.0, everything.value), everything.step, everything.at)
    order = np.lexsort(keys)  # stable: of equals those among `others` come first
    again = np.zeros(order.size, np.bool_)
    again[order[1:]] = ~_greater(tuple(key[order] for key in keys))
    return points.chosen(~again[others.size :])
