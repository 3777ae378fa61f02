"""Realised metrics and their intervals, which must hold the truth about 95 times in 100."""

import numpy as np
import pytest

from noria.monitoring.realised import realised


def sample(rng, rows=500):
    score = rng.normal(size=rows)
    chance = 1 / (1 + np.exp(-score))
    return (rng.random(rows) < chance).astype(float), chance


@pytest.mark.parametrize("metric", ["brier", "log_loss", "accuracy", "roc_auc", "average_precision"])
def test_intervals_of_classification_hold_the_truth(metric):
    rng = np.random.default_rng(0)
    truth = realised(metric, *sample(rng, 200_000)).value
    found = [realised(metric, *sample(rng)) for _ in range(200)]
    assert 0.9 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.995
    assert all(one.low <= one.value <= one.high for one in found)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_intervals_of_regression_hold_the_truth(metric):
    rng = np.random.default_rng(0)

    def draw(rows=500):
        x = rng.normal(size=rows)
        return x + rng.normal(size=rows), x

    truth = realised(metric, *draw(200_000)).value
    found = [realised(metric, *draw()) for _ in range(200)]
    assert 0.9 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.995


def test_what_is_not_defined_is_none():
    ones = np.ones(10)
    assert realised("brier", np.empty(0), np.empty(0)) is None
    assert realised("no_such_metric", ones, ones) is None
    assert realised("roc_auc", ones, ones / 2) is None


@pytest.mark.parametrize("metric", ["brier", "log_loss", "accuracy", "rmse"])
def test_a_perfect_model_is_no_trouble(metric):
    found = realised(metric, np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert found is None or (np.isfinite(found.low) and found.low <= found.value <= found.high + 1e-12)
