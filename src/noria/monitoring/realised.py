"""A realised metric with its 95 % interval, from labels that have matured.

The value is the validation folder's own metric, so that a gate and a monitor mean the same by a name. The
intervals are closed forms, exact enough for a few hundred rows and cheap enough for every look: the normal one for
means of row losses, Wilson's for shares, DeLong's for the area under the ROC curve, a logit one for average
precision, and the delta method where a metric is a function of means.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special, stats

from noria.monitoring.bins import Floats
from noria.validation.metrics import measure, row_losses
from noria.validation.model import Estimate

Z = 1.959964
"""Standard errors either side of a 95 % interval."""


def realised(metric: str, label: Floats, prediction: Floats) -> Estimate | None:
    """The metric of `prediction` against `label`; None when it is not defined on them.

    A metric is undefined when it is unknown, without rows, or, for a ranking metric, with one class only.
    """
    interval = _INTERVALS.get(metric)
    if interval is None or not len(label):
        return None
    with np.errstate(all="ignore"):
        value = measure(metric, label, prediction)
        if not np.isfinite(value):
            return None
        low, high = interval(value, label, prediction)
    return Estimate(value, low, high, len(label))


Interval = tuple[float, float]


def _brier(value: float, label: Floats, prediction: Floats) -> Interval:
    return _around(value, (label - prediction) ** 2)


def _log_loss(value: float, label: Floats, prediction: Floats) -> Interval:
    return _around(value, row_losses("classification", label, prediction))


def _mae(value: float, label: Floats, prediction: Floats) -> Interval:
    return _around(value, np.abs(label - prediction))


def _rmse(value: float, label: Floats, prediction: Floats) -> Interval:
    low, high = _around(value**2, (label - prediction) ** 2)
    return max(low, 0.0) ** 0.5, high**0.5


def _r2(value: float, label: Floats, prediction: Floats) -> Interval:
    around_mean = (label - label.mean()) ** 2
    return _around(value, ((label - prediction) ** 2 - (1 - value) * around_mean) / around_mean.mean())


def _accuracy(value: float, label: Floats, _prediction: Floats) -> Interval:
    """Wilson's score interval."""
    rows = len(label)
    middle = (value + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    reach = Z / (1 + Z**2 / rows) * (value * (1 - value) / rows + Z**2 / (4 * rows**2)) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _roc_auc(value: float, label: Floats, prediction: Floats) -> Interval:
    """DeLong's interval, by midranks (Sun and Xu 2014)."""
    positive, negative = prediction[label > 0.5], prediction[label <= 0.5]
    ours, theirs = len(positive), len(negative)
    ranks = stats.rankdata(np.concatenate([positive, negative]))
    above = (ranks[:ours] - stats.rankdata(positive)) / theirs
    below = 1 - (ranks[ours:] - stats.rankdata(negative)) / ours
    variance = (above.var(ddof=1) if ours > 1 else 0.25) / ours + (below.var(ddof=1) if theirs > 1 else 0.25) / theirs
    reach = Z * float(variance) ** 0.5
    return max(0.0, value - reach), min(1.0, value + reach)


def _average_precision(value: float, label: Floats, _prediction: Floats) -> Interval:
    """The logit interval of Boyd, Eng and Page (2013)."""
    inside = min(max(value, 1e-6), 1 - 1e-6)
    reach = Z / (float((label > 0.5).sum()) * inside * (1 - inside)) ** 0.5
    middle = special.logit(inside)
    return float(special.expit(middle - reach)), float(special.expit(middle + reach))


def _around(value: float, rows: Floats) -> Interval:
    reach = Z * float(rows.std(ddof=1) if len(rows) > 1 else np.inf) / len(rows) ** 0.5
    return value - reach, value + reach


_INTERVALS: dict[str, Callable[[float, Floats, Floats], Interval]] = {
    "brier": _brier, "log_loss": _log_loss, "mae": _mae, "rmse": _rmse, "r2": _r2, "accuracy": _accuracy,
    "roc_auc": _roc_auc, "average_precision": _average_precision,
}  # fmt: skip
