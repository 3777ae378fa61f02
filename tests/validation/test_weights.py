"""The metrics are those of the field: scikit-learn's, on any rows and any weights."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as sk

from noria.core.errors import NotFound
from noria.validation.metrics import CLASSIFICATION, REGRESSION, larger_is_better, measure, measure_weighted

LABELS = st.integers(0, 1)
CHANCES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]) | st.floats(0.001, 0.999)
NUMBERS = st.floats(-100, 100)
WEIGHTS = st.integers(0, 4)

THEIRS = {
    "roc_auc": lambda label, chance, weight: sk.roc_auc_score(label, chance, sample_weight=weight),
    "average_precision": lambda label, chance, weight: sk.average_precision_score(label, chance, sample_weight=weight),
    "brier": lambda label, chance, weight: np.average((chance - label) ** 2, weights=weight),
    "accuracy": lambda label, chance, weight: sk.accuracy_score(label, chance >= 0.5, sample_weight=weight),
    "log_loss": lambda label, chance, weight: sk.log_loss(
        label, np.clip(chance, 1e-7, 1 - 1e-7), sample_weight=weight, labels=[0, 1]
    ),
    "rmse": lambda label, value, weight: sk.root_mean_squared_error(label, value, sample_weight=weight),
    "mae": lambda label, value, weight: sk.mean_absolute_error(label, value, sample_weight=weight),
    "r2": lambda label, value, weight: sk.r2_score(label, value, sample_weight=weight),
}


@pytest.mark.parametrize("metric", CLASSIFICATION)
@given(rows=st.lists(st.tuples(LABELS, CHANCES, WEIGHTS), min_size=2, max_size=40))
def test_classification_metrics_are_scikit_learns(metric, rows) -> None:
    label, chance, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    assume({0, 1} == set(label[weight > 0]))
    assert measure_weighted(metric, label, chance, weight[None])[0] == pytest.approx(
        THEIRS[metric](label, chance, weight)
    )


@pytest.mark.parametrize("metric", REGRESSION)
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, WEIGHTS), min_size=3, max_size=40))
def test_regression_metrics_are_scikit_learns(metric, rows) -> None:
    label, value, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    assume(weight.sum() > 0 and np.ptp(label[weight > 0]) > 0.5)
    ours = measure_weighted(metric, label, value, weight[None])[0]
    assert ours == pytest.approx(THEIRS[metric](label, value, weight), rel=1e-6, abs=1e-6)


@given(rows=st.lists(st.tuples(LABELS, CHANCES, WEIGHTS), min_size=2, max_size=20))
def test_a_weight_is_a_row_that_often(rows) -> None:
    label, chance, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    often = weight.astype(int)
    assume(often.sum() > 0)
    repeated = [np.repeat(column, often) for column in (label, chance)]
    for metric in CLASSIFICATION:
        weighted = measure_weighted(metric, label, chance, weight[None])[0]
        assert weighted == pytest.approx(measure(metric, *repeated), nan_ok=True)


def test_several_weightings_are_measured_at_once() -> None:
    label, chance = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.4, 0.1])
    weights = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    together = measure_weighted("brier", label, chance, weights)
    assert together == pytest.approx([measure_weighted("brier", label, chance, one[None])[0] for one in weights])


def test_an_auc_of_one_class_is_undefined() -> None:
    assert np.isnan(measure("roc_auc", np.ones(3), np.array([0.1, 0.5, 0.9])))
    assert np.isnan(measure("brier", np.array([]), np.array([])))


def test_a_certain_mistake_costs_much_but_not_everything() -> None:
    assert 10 < measure("log_loss", np.array([1.0]), np.array([0.0])) < 20


def test_which_way_is_better_is_known_of_every_metric() -> None:
    assert {one for one in CLASSIFICATION + REGRESSION if larger_is_better(one)} == {
        "roc_auc", "average_precision", "accuracy", "r2"
    }  # fmt: skip


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="roc_auc"):
        measure("roc_auk", np.array([1.0]), np.array([0.5]))
