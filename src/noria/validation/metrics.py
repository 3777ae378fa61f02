"""Metrics by their names in the field, each over rows with whole-number weights.

Weights make a bootstrap a matrix product: a resample is a row drawn 0, 1, 2 … times. Labels are 0 or 1 for
classification; predictions are chances of 1, or values for regression.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from noria.core.errors import NotFound
from noria.validation.model import METRICS

Array = np.ndarray[Any, Any]
Measure = Callable[[Array, Array, Array], Array]
"""label (n,), prediction (n,), weights (b, n) → the metric of each of b weightings; NaN where undefined."""

_EDGE = 1e-7
_LARGER_IS_BETTER = frozenset({"roc_auc", "average_precision", "accuracy", "r2"})
CLASSIFICATION = ("roc_auc", "log_loss", "brier", "average_precision", "accuracy")
REGRESSION = ("rmse", "mae", "r2")


def larger_is_better(metric: str) -> bool:
    """Whether a larger value of the metric is the better one. Raises NotFound."""
    _known(metric)
    return metric in _LARGER_IS_BETTER


def measure(metric: str, label: Array, prediction: Array) -> float:
    """One metric of one set of rows; NaN where it is undefined (an AUC of one class only).

    >>> measure("brier", np.array([0.0, 1.0]), np.array([0.0, 0.5]))
    0.125
    """
    return float(measure_weighted(metric, label, prediction, np.ones((1, len(label))))[0])


def measure_weighted(metric: str, label: Array, prediction: Array, weights: Array) -> Array:
    """One metric under several weightings of the same rows; `weights` has a row each.

    NaN where it is undefined: no rows, one class only, or a label or prediction that is no finite number.
    """
    _known(metric)
    label, prediction = np.asarray(label, float), np.asarray(prediction, float)
    if not len(label) or not (np.isfinite(label).all() and np.isfinite(prediction).all()):
        return np.full(len(weights), np.nan)  # an AUC would rank NaN somewhere, and look like a measurement
    with np.errstate(divide="ignore", invalid="ignore"):
        return _MEASURES[metric](label, prediction, weights)


def row_losses(task: str, label: Array, prediction: Array) -> Array:
    """The loss of each row: log loss for classification, squared error for regression."""
    if task == "regression":
        return np.asarray((prediction - label) ** 2)
    safe = np.clip(prediction, _EDGE, 1 - _EDGE)
    return np.asarray(-(label * np.log(safe) + (1 - label) * np.log(1 - safe)))


def _mean(values: Array, weights: Array) -> Array:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _log_loss(label: Array, prediction: Array, weights: Array) -> Array:
    return _mean(row_losses("classification", label, prediction), weights)


def _brier(label: Array, prediction: Array, weights: Array) -> Array:
    return _mean((prediction - label) ** 2, weights)


def _accuracy(label: Array, prediction: Array, weights: Array) -> Array:
    return _mean(((prediction >= 0.5) == (label >= 0.5)).astype(float), weights)


def _rmse(label: Array, prediction: Array, weights: Array) -> Array:
    return np.sqrt(_mean((prediction - label) ** 2, weights))


def _mae(label: Array, prediction: Array, weights: Array) -> Array:
    return _mean(np.abs(prediction - label), weights)


def _r2(label: Array, prediction: Array, weights: Array) -> Array:
    distance = label - _mean(label, weights)[:, None]  # a mean of squares would cancel its digits away
    spread = (weights * distance**2).sum(axis=1) / weights.sum(axis=1)
    alike = spread <= (1e-12 * np.abs(label).max()) ** 2  # nothing but the rounding of the mean
    return np.where(alike, np.nan, 1 - _mean((prediction - label) ** 2, weights) / spread)


def _roc_auc(label: Array, prediction: Array, weights: Array) -> Array:
    """The chance that a positive is ranked above a negative, ties half: ranks are taken once, weights vary."""
    order, group = _ranked(prediction)
    ordered = weights[:, order]
    positive = label[order] > 0.5
    ups = _by_group(ordered * positive, group)
    downs = _by_group(ordered * ~positive, group)
    below = np.cumsum(downs, axis=1) - downs
    return np.asarray((ups * (below + downs / 2)).sum(axis=1) / (ups.sum(axis=1) * downs.sum(axis=1)))


def _average_precision(label: Array, prediction: Array, weights: Array) -> Array:
    """The mean precision over recall, each distinct prediction a threshold."""
    order, group = _ranked(-prediction)
    ordered = weights[:, order]
    ups = _by_group(ordered * (label[order] > 0.5), group)
    every = _by_group(ordered, group)
    found, seen = np.cumsum(ups, axis=1), np.cumsum(every, axis=1)
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    return np.asarray((precision * ups).sum(axis=1) / ups.sum(axis=1))


def _ranked(prediction: Array) -> tuple[Array, Array]:
    """The order of the rows, and where each group of equal predictions starts in it."""
    order = np.argsort(prediction, kind="stable")
    ranked = prediction[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    return order, starts


def _by_group(values: Array, starts: Array) -> Array:
    if len(starts) == values.shape[1]:
        return values
    return np.asarray(np.add.reduceat(values, starts, axis=1))


_MEASURES: dict[str, Measure] = {
    "roc_auc": _roc_auc, "log_loss": _log_loss, "brier": _brier, "average_precision": _average_precision,
    "accuracy": _accuracy, "rmse": _rmse, "mae": _mae, "r2": _r2,
}  # fmt: skip


def _known(metric: str) -> None:
    if metric not in _MEASURES:
        raise NotFound("metric", metric, METRICS)
