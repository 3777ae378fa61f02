"""Intervals by the bootstrap: rows drawn again with Poisson weights, the same draws for both models of a pair."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from noria.validation.metrics import larger_is_better, measure, measure_weighted
from noria.validation.model import Comparison, Estimate

Array = np.ndarray[Any, Any]
REPLICATES = 300
_CHUNK = 2_000_000
_KEPT = 8_000_000
"""Weights made at a time, and kept for the next metric: bounds on memory, not on rows."""
_TAILS = (2.5, 97.5)


class Draws:
    """Resamples of `rows` rows: whole-number weights, Poisson with mean 1, the same at every iteration."""

    def __init__(self, rows: int, *, seed: int, replicates: int = REPLICATES) -> None:
        self.rows, self._seed, self._replicates = rows, seed, replicates
        self._kept = list(self._made()) if rows * replicates <= _KEPT else None

    def __iter__(self) -> Iterator[Array]:
        return iter(self._kept) if self._kept is not None else self._made()

    def of(self, rows: Array) -> Draws:
        """Resamples of some of the rows only, `rows` being their places: the same weights where they are kept."""
        if self._kept is None:
            return Draws(len(rows), seed=self._seed, replicates=self._replicates)
        part = copy.copy(self)
        part.rows, part._kept = len(rows), [weights[:, rows] for weights in self._kept]
        return part

    def _made(self) -> Iterator[Array]:
        generator = np.random.default_rng(self._seed)
        size = max(1, min(self._replicates, _CHUNK // max(self.rows, 1)))
        for done in range(0, self._replicates, size):
            yield generator.poisson(1.0, (min(size, self._replicates - done), self.rows)).astype(np.float64)


def replicates(metric: str, label: Array, prediction: Array, draws: Draws) -> Array:
    """The metric on every resample."""
    return np.concatenate([measure_weighted(metric, label, prediction, weights) for weights in draws])


def estimate(metric: str, label: Array, prediction: Array, draws: Draws, drawn: Array | None = None) -> Estimate:
    """A metric with its 95 % percentile interval; `drawn` are its replicates where they are known already."""
    low, high = _interval(replicates(metric, label, prediction, draws) if drawn is None else drawn)
    return Estimate(measure(metric, label, prediction), low, high, len(label))


def compare(
    metric: str, label: Array, new: Array, champion: Array, draws: Draws, drawn: Array | None = None
) -> Comparison:
    """Two models on the same rows: new minus champion, with the interval of the paired difference.

    `drawn` are the new one's replicates under the same `draws` where they are known already.
    """
    mine = replicates(metric, label, new, draws) if drawn is None else drawn
    low, high = _interval(mine - replicates(metric, label, champion, draws))
    ours, theirs = measure(metric, label, new), measure(metric, label, champion)
    up = larger_is_better(metric)
    better, worse = (low > 0, high < 0) if up else (high < 0, low > 0)
    return Comparison(metric, ours, theirs, ours - theirs, low, high, bool(better), bool(worse))


def _interval(values: Array) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, _TAILS)
    return float(low), float(high)
