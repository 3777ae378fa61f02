"""Every metric against scikit-learn's: a weight of k is the same as the row written k times."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from noria.core.errors import NotFound
from noria.validation.metrics import CLASSIFICATION, REGRESSION, larger_is_better, measure, measure_weighted, row_losses

ORACLES = {
    "roc_auc": oracle.roc_auc_score,
    "average_precision": oracle.average_precision_score,
    "brier": oracle.brier_score_loss,
    "log_loss": lambda y, p: oracle.log_loss(y, np.clip(p, 1e-7, 1 - 1e-7), labels=[0, 1]),
    "accuracy": lambda y, p: oracle.accuracy_score(y, p >= 0.5),
    "rmse": oracle.root_mean_squared_error,
    "mae": oracle.mean_absolute_error,
    "r2": oracle.r2_score,
}
chances = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1))
judged = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), chances, st.integers(0, 4)), min_size=2, max_size=40)
values = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 3))
numbers = st.lists(st.tuples(values, values, st.integers(0, 4)), min_size=2, max_size=40)


def written_out(rows):
    label, prediction, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    times = weight.astype(int)
    return (label, prediction, weight), (np.repeat(label, times), np.repeat(prediction, times))


@pytest.mark.parametrize("metric", CLASSIFICATION)
@settings(deadline=None)
@given(rows=judged)
def test_classification_with_weights_is_scikit_learn_with_repeated_rows(metric, rows):
    (label, prediction, weight), (labels, predictions) = written_out(rows)
    assume(len(set(labels)) == 2)
    ours = measure_weighted(metric, label, prediction, weight[None, :])[0]
    assert ours == pytest.approx(ORACLES[metric](labels, predictions), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("metric", REGRESSION)
@settings(deadline=None)
@given(rows=numbers)
def test_regression_with_weights_is_scikit_learn_with_repeated_rows(metric, rows):
    (label, prediction, weight), (labels, predictions) = written_out(rows)
    assume(len(labels) > 1 and np.ptp(labels) > 1e-2)
    ours = measure_weighted(metric, label, prediction, weight[None, :])[0]
    assert ours == pytest.approx(ORACLES[metric](labels, predictions), rel=1e-6, abs=1e-9)


def test_many_weightings_at_once_are_each_one_alone():
    random = np.random.default_rng(3)
    label, prediction = (random.random(200) < 0.4).astype(float), random.random(200).round(2)
    weights = random.poisson(1.0, (7, 200)).astype(float)
    for metric in CLASSIFICATION:
        together = measure_weighted(metric, label, prediction, weights)
        assert together == pytest.approx([measure_weighted(metric, label, prediction, one[None])[0] for one in weights])


@pytest.mark.parametrize("metric", [*CLASSIFICATION, *REGRESSION])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_prediction_that_is_no_number_leaves_every_metric_undefined(metric, bad):
    label, prediction = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.9, bad, 0.3])
    assert np.isnan(measure(metric, label, prediction))
    assert np.isnan(measure(metric, prediction, label))


@pytest.mark.parametrize("metric", ["roc_auc"])
def test_one_class_only_has_no_auc(metric):
    assert np.isnan(measure(metric, np.ones(5), np.linspace(0, 1, 5)))


def test_no_positive_has_no_average_precision():
    assert np.isnan(measure("average_precision", np.zeros(5), np.linspace(0, 1, 5)))


def test_no_rows_have_no_metric():
    assert all(np.isnan(measure(metric, np.array([]), np.array([]))) for metric in [*CLASSIFICATION, *REGRESSION])


def test_r2_of_labels_far_from_zero_keeps_its_digits():
    random = np.random.default_rng(0)
    label = 1e9 + random.random(500)
    prediction = label + random.normal(scale=0.1, size=500)
    assert measure("r2", label, prediction) == pytest.approx(oracle.r2_score(label, prediction), rel=1e-6)


def test_r2_keeps_its_digits_where_a_resample_leaves_out_the_rows_far_away():
    label, prediction = np.array([1e6, 0.0, 0.011]), np.array([1e6, 0.001, 0.010])
    weighted = measure_weighted("r2", label, prediction, np.array([[0.0, 1.0, 1.0]]))[0]
    assert weighted == pytest.approx(oracle.r2_score(label[1:], prediction[1:]), rel=1e-9)


def test_r2_of_labels_all_alike_is_undefined():
    assert np.isnan(measure("r2", np.full(9, 0.1), np.full(9, 0.2)))


def test_certain_and_wrong_costs_much_and_not_everything():
    losses = row_losses("classification", np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    assert losses == pytest.approx([-np.log(1e-7), 0.0], abs=1e-6)


def test_which_way_is_better():
    assert [larger_is_better(name) for name in ("roc_auc", "r2", "brier", "mae")] == [True, True, False, False]


def test_an_unknown_metric_is_told_with_those_that_exist():
    with pytest.raises(NotFound, match=r"roc_acu.*roc_auc"):
        measure("roc_acu", np.array([1.0]), np.array([1.0]))
