"""Simulated rollouts: however often one looks, the promised error rates hold, and real harm is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.rollout.sequential import lower_bound, mean_of, non_inferiority, sample_ratio_p

RUNS = 600
LOOKS = range(100, 2001, 50)


def autocorrelated(rng, size):
    noise, values = rng.normal(size=size + 50), np.zeros(size + 50)
    for place in range(1, size + 50):
        values[place] = 0.5 * values[place - 1] + noise[place]
    return values[50:]


SOURCES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "heavy tails": lambda rng, size: rng.standard_t(3, size=size),
    "skewed up": lambda rng, size: rng.exponential(size=size) - 1,
    "skewed down": lambda rng, size: 1 - rng.exponential(size=size),
}


def first_alarm(values, alpha):
    for rows in LOOKS:
        if lower_bound(mean_of(values[:rows]), alpha, tuned_for=500) > 0:
            return rows
    return None


@pytest.mark.parametrize("source", SOURCES)
def test_looking_all_the_time_rarely_finds_harm_that_is_not_there(source):
    rng = np.random.default_rng(7)
    alarms = [first_alarm(SOURCES[source](rng, 2000), alpha=0.05) for _ in range(RUNS)]
    assert np.mean([alarm is not None for alarm in alarms]) <= 0.05


def test_neighbours_that_resemble_each_other_are_allowed_for():
    rng = np.random.default_rng(3)
    samples = [autocorrelated(rng, 1200) for _ in range(80)]
    alarms = np.mean([first_alarm(values, alpha=0.05) is not None for values in samples])
    naive = np.mean([values.mean() > 1.645 * values.std() / 1200**0.5 for values in samples])
    assert alarms <= 0.08 < naive


def test_naive_peeking_would_have_alarmed_far_too_often():
    rng = np.random.default_rng(7)
    runs = [rng.normal(size=2000) for _ in range(RUNS)]
    peeking = [any(run[:n].mean() > 1.645 / n**0.5 for n in LOOKS) for run in runs]
    assert np.mean(peeking) > 0.15


def test_real_harm_is_found_before_long():
    rng = np.random.default_rng(1)
    found = [first_alarm(rng.normal(0.3, 1, 2000), alpha=0.01) for _ in range(60)]
    assert None not in found
    assert np.median(found) <= 300


def test_a_sound_split_is_rarely_called_skewed_and_a_skewed_one_is_found():
    rng = np.random.default_rng(5)
    sound = [np.cumsum(rng.random(3000) < 0.1) for _ in range(RUNS)]
    alarms = [any(sample_ratio_p([n - arm[n - 1], arm[n - 1]], [0.9, 0.1]) < 0.01 for n in LOOKS) for arm in sound]
    assert np.mean(alarms) <= 0.01
    skewed = [int((rng.random(3000) < 0.55).sum()) for _ in range(50)]
    assert np.mean([sample_ratio_p([3000 - arm, arm], [0.5, 0.5]) < 0.01 for arm in skewed]) > 0.9


def test_an_arm_without_a_share_must_stay_empty():
    assert sample_ratio_p([0, 10], [0.0, 1.0]) == 1.0
    assert sample_ratio_p([1, 10], [0.0, 1.0]) == 0.0
    assert sample_ratio_p([0, 0], [0.5, 0.5]) == 1.0


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_the_ratio_check_is_always_a_probability(ours, theirs, share):
    assert 0 <= sample_ratio_p([ours, theirs], [share, 1 - share]) <= 1


def promoted(rng, difference, margin=0.1, planned=1200):
    values = rng.normal(difference, 1, planned)
    return any(non_inferiority(values[:n], margin, planned=planned).proven for n in range(200, planned + 1, 100))


def test_a_challenger_worse_by_the_margin_is_rarely_promoted_however_many_looks():
    rng = np.random.default_rng(2)
    assert np.mean([promoted(rng, 0.1) for _ in range(600)]) <= 0.05 + 0.015


def test_an_equal_challenger_usually_is():
    rng = np.random.default_rng(2)
    assert np.mean([promoted(rng, 0.0) for _ in range(200)]) > 0.85


def test_rows_beyond_the_plan_change_nothing():
    values = np.random.default_rng(0).normal(size=3000)
    early, late = (non_inferiority(values[:n], 0.1, planned=1000) for n in (1000, 3000))
    assert early == late
    assert late.final


@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_prove_nothing(rows):
    values = np.zeros(rows)
    assert lower_bound(mean_of(values), 0.05, tuned_for=100) == float("-inf")
    assert not non_inferiority(values, 0.1, planned=100).proven
