"""Intervals by resampling: as wide as they should be, the same every time, and cheap."""

import numpy as np
import pytest

from noria.core.clock import cpu_seconds
from noria.validation.bootstrap import Draws, compare, estimate


def flights(rows, seed=0):
    """Late or not, and honest chances of it."""
    random = np.random.default_rng(seed)
    chance = random.random(rows)
    return (random.random(rows) < chance).astype(float), chance


def test_the_same_seed_gives_the_same_interval_and_another_another():
    label, chance = flights(500)
    one, again, other = (estimate("roc_auc", label, chance, Draws(500, seed=seed)) for seed in (1, 1, 2))
    assert one == again != other


def test_the_interval_of_a_mean_is_the_one_of_the_textbook():
    label, _ = flights(4_000)
    found = estimate("mae", label, np.zeros(4_000), Draws(4_000, seed=0, replicates=500))
    expected = 1.96 * np.sqrt(label.mean() * (1 - label.mean()) / 4_000)
    assert found.high - found.value == pytest.approx(expected, rel=0.2)
    assert found.value - found.low == pytest.approx(expected, rel=0.2)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    truth = estimate("brier", *flights(200_000, seed=99), Draws(200_000, seed=0, replicates=2)).value
    held = 0
    for seed in range(100):
        found = estimate("brier", *flights(400, seed), Draws(400, seed=seed, replicates=200))
        held += found.low <= truth <= found.high
    assert held >= 88


def test_a_model_compared_with_itself_differs_by_nothing():
    label, chance = flights(300)
    same = compare("brier", label, chance, chance, Draws(300, seed=0))
    assert (same.difference, same.low, same.high, same.better, same.worse) == (0, 0, 0, False, False)


@pytest.mark.parametrize("metric", ["roc_auc", "brier"])
def test_a_clearly_better_model_is_better_and_the_other_way_round_worse(metric):
    label, chance = flights(2_000)
    blurred = 0.5 + (chance - 0.5) * np.random.default_rng(5).choice([-0.2, 0.8], 2_000)
    draws = Draws(2_000, seed=0)
    assert compare(metric, label, chance, blurred, draws).better
    assert compare(metric, label, blurred, chance, draws).worse


def test_pairing_makes_a_small_difference_visible():
    label, chance = flights(3_000)
    biased = np.clip(chance + 0.03, 0, 1)
    draws = Draws(3_000, seed=0)
    pair = compare("brier", label, biased, chance, draws)
    alone = estimate("brier", label, chance, draws)
    assert pair.worse
    assert pair.high - pair.low < (alone.high - alone.low) / 3


def test_weights_of_some_rows_are_the_whole_ones_cut():
    draws = Draws(50, seed=4, replicates=8)
    rows = np.array([3, 9, 41])
    assert np.array_equal(np.concatenate(list(draws.of(rows))), np.concatenate(list(draws))[:, rows])


def test_more_rows_than_are_kept_are_drawn_again_and_alike():
    draws = Draws(3_000_000, seed=1, replicates=3)
    first, second = (float(next(iter(draws)).sum()) for _ in range(2))
    assert first == second
    assert draws.of(np.arange(7)).rows == 7


def test_an_auc_of_one_class_has_no_interval():
    found = estimate("roc_auc", np.ones(50), np.linspace(0, 1, 50), Draws(50, seed=0))
    assert np.isnan([found.value, found.low, found.high]).all()


def test_five_hundred_resamples_of_ten_thousand_rows_take_less_than_a_second():
    label, chance = flights(10_000)
    began = cpu_seconds()
    estimate("roc_auc", label, chance, Draws(10_000, seed=0, replicates=500))
    assert cpu_seconds() - began < 1.0
