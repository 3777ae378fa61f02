"""Intervals by the bootstrap: rows drawn again with Poisson weights, the same draws for both models of a pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from noria.validation.metrics import larger_is_better, measure, measure_weighted
from noria.validation.model import Comparison, Estimate

Array = np.ndarray[Any, Any]
REPLICATES = 400
_CHUNK = 2_000_000
"""Weights held at a time: a bound on memory, not on rows."""
_TAILS = (2.5, 97.5)


def estimate(metric: str, label: Array, prediction: Array, *, seed: int, replicates: int = REPLICATES) -> Estimate:
    """A metric with its 95 % percentile interval."""
    drawn = [measure_weighted(metric, label, prediction, weights) for weights in _draws(len(label), seed, replicates)]
    low, high = _interval(np.concatenate(drawn))
    return Estimate(measure(metric, label, prediction), low, high, len(label))


def compare(
    metric: str, label: Array, new: Array, champion: Array, *, seed: int, replicates: int = REPLICATES
) -> Comparison:
    """Two models on the same rows: new minus champion, with the interval of the paired difference."""
    drawn = [
        measure_weighted(metric, label, new, weights) - measure_weighted(metric, label, champion, weights)
        for weights in _draws(len(label), seed, replicates)
    ]
    low, high = _interval(np.concatenate(drawn))
    ours, theirs = measure(metric, label, new), measure(metric, label, champion)
    up = larger_is_better(metric)
    better, worse = (low > 0, high < 0) if up else (high < 0, low > 0)
    return Comparison(metric, ours, theirs, ours - theirs, low, high, bool(better), bool(worse))


def _draws(rows: int, seed: int, replicates: int) -> Iterator[Array]:
    generator = np.random.default_rng(seed)
    size = max(1, min(replicates, _CHUNK // max(rows, 1)))
    for done in range(0, replicates, size):
        yield generator.poisson(1.0, (min(size, replicates - done), rows)).astype(np.float64)


def _interval(values: Array) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, _TAILS)
    return float(low), float(high)
