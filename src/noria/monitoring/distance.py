"""How far two distributions on the same bins lie apart: an effect size, not a p-value.

With many rows every difference is significant; what matters is how large it is. For numbers it is the
1-Wasserstein distance in standard deviations of the reference ("the values moved by 0.3 sd on average"), for
categories the Jensen-Shannon distance with base 2 (0: the same, 1: nothing in common).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from noria.monitoring.bins import Floats, Ints


def wasserstein(counts: Ints, reference: Ints, edges: Floats, sd: float) -> Floats:
    """The 1-Wasserstein distance between histograms, divided by `sd`.

    `counts` is one histogram, or one a row. The approximation: within a cell values are taken to be spread
    evenly, which errs by at most one cell's width; values beyond the edges stand at the edge, so a wild
    outlier counts only as far as the limit, and a distance is then a lower bound.

    >>> edges = np.array([0.0, 1.0, 2.0, 3.0])
    >>> float(wasserstein(np.array([0, 0, 4, 0, 0]), np.array([0, 4, 0, 0, 0]), edges, sd=2.0))
    0.5
    """
    gap = np.abs(distribution(counts) - distribution(reference))
    width = edges[1] - edges[0]
    return np.asarray((gap[..., :-1] + gap[..., 1:]).sum(axis=-1) * (width / 2 / sd))


def jensen_shannon(counts: Ints, reference: Ints) -> Floats:
    """The Jensen-Shannon distance (square root of the divergence, base 2) between counts of categories.

    `counts` is one row of counts, or several.

    >>> float(jensen_shannon(np.array([5, 0]), np.array([0, 9])))
    1.0
    """
    p, q = shares(counts), shares(reference)
    middle = (p + q) / 2
    divergence = (_relative(p, middle) + _relative(q, middle)) / 2
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))


def wasserstein_sampling(reference: Ints, edges: Floats, sd: float) -> float:
    """What chance alone does: times `1 / sqrt(rows)` it is about the 99th percentile of `wasserstein`.

    The expected distance of a sample from its own source is `0.8 · ∫ sqrt(F (1 - F))`; its upper percentile is
    about twice that.
    """
    below = distribution(reference)
    return float(1.6 * np.sqrt(below * (1 - below)).sum() * (edges[1] - edges[0]) / sd)


def shannon_sampling(reference: Ints) -> float:
    """What chance alone does: times `1 / sqrt(rows)` it is about the 99th percentile of `jensen_shannon`.

    For a sample of its own source the divergence is near `chi² / (8 rows ln 2)` with one degree of freedom
    less than there are categories; a tenth is added for categories with a handful of rows, where it is less.
    """
    freedom = max(int((reference > 0).sum()) - 1, 1)
    return float(1.1 * np.sqrt(stats.chi2.ppf(0.99, freedom) / (8 * np.log(2))))


def distribution(counts: Ints) -> Floats:
    """The distribution function at each edge, from counts with a cell below and one above."""
    return np.asarray(np.cumsum(counts[..., :-1], axis=-1) / np.maximum(_totals(counts), 1))


def shares(counts: Ints) -> Floats:
    """Counts as shares of their total."""
    return np.asarray(counts / np.maximum(_totals(counts), 1))


def _totals(counts: Ints) -> Ints:
    return np.asarray(counts.sum(axis=-1, keepdims=True))


def _relative(p: Floats, q: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / q), 0.0)
    return np.asarray(terms.sum(axis=-1))
