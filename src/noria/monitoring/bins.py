"""Fixed reference bins: the same cells for the reference and for every window that is compared with it.

Numbers fall into 512 cells of equal width between the reference's 0.1 % and 99.9 % quantiles, with one cell
below and one above; categories into the reference's most frequent values, one bin for its rarer ones and one
for values it has never seen. Counts on fixed bins add up, so any window is a sum, and one outlier in live
traffic cannot move the bins it is judged by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

CELLS = 512
"""Cells between the limits: the error of a distance is at most one cell's width."""

TOP = 100
"""Categories with a bin of their own."""

RARE = 5_000
"""Rarer categories remembered by name; any beyond count as never seen when they come again."""


def reference_edges(values: Floats) -> Floats:
    """The edges of the cells for a reference's finite values; empty when there are none.

    A constant gets cells so narrow that any other value falls outside them.

    >>> len(reference_edges(np.arange(1000.0)))
    513
    """
    if not len(values):
        return np.empty(0)
    low, high = (float(edge) for edge in np.quantile(values, (0.001, 0.999)))
    if low == high:
        low, high = float(values.min()), float(values.max())
    if not max(abs(low), abs(high), 1e-280) * 1e-12 < high - low < np.inf:
        reach = max(abs(low), 1.0) * 1e-6
        low, high = low - reach, low + reach
    return np.linspace(low, high, CELLS + 1)


def cells_of(values: Floats, edges: Floats) -> Ints:
    """The cell of each value: 0 below the edges, 1 to the number of gaps within, one more above.

    The values must not be NaN; infinities lie outside.

    >>> cells_of(np.array([-1.0, 0.0, 0.4, 1.0, 9.0]), np.array([0.0, 0.5, 1.0])).tolist()
    [0, 1, 1, 2, 3]
    """
    gaps = len(edges) - 1
    low, high = edges[0], edges[-1]
    scaled = (np.clip(values, low, high) - low) * (gaps / (high - low))
    cells: Ints = np.minimum(scaled.astype(np.int64), gaps - 1) + 1
    cells[values < low] = 0
    cells[values > high] = gaps + 1
    return cells


def count_cells(values: Floats, edges: Floats) -> Ints:
    """How many values fall into each cell, below and above included."""
    return np.asarray(np.bincount(cells_of(values, edges), minlength=len(edges) + 1))


def category_bins(names: Sequence[str], top: Mapping[str, int], rare: Sequence[str]) -> Ints:
    """The bin of each name: its place among `top`, then one bin for `rare`, then one for the never seen.

    >>> category_bins(["UA", "ZZ", "9E"], {"UA": 10, "AA": 5}, ["9E"]).tolist()
    [0, 3, 2]
    """
    places = {name: place for place, name in enumerate(top)}
    other = len(top)
    places |= dict.fromkeys(rare, other)
    return np.array([places.get(name, other + 1) for name in names], dtype=np.int64)
