"""The noise floor knows that ordinary days differ."""

import numpy as np
import pytest

from noria.monitoring.distance import wasserstein
from noria.monitoring.noise import blocks, floor, independent, upper_end

DAY = 86_400_000_000


def floor_of(by_day, window=7 * DAY, per_day=200):
    rng = np.random.default_rng(1)
    times = np.sort(np.concatenate([day * DAY + rng.integers(0, DAY, per_day) for day in range(len(by_day))]))
    values = rng.normal(size=len(times)) + np.repeat(by_day, per_day)
    edges = np.linspace(-6, 6, 101)
    cells = np.clip(((values + 6) / 0.12).astype(int), 0, 99) + 1
    return floor(
        cells, 102, blocks(times, window), lambda a, b: wasserstein(a, b, edges, 1.0), independent(times, window)
    )


def test_days_that_differ_raise_the_floor():
    calm = floor_of(np.zeros(70))
    moody = floor_of(np.random.default_rng(0).normal(0, 0.5, 70))
    assert calm < 0.15 < moody


def test_longer_windows_average_out_moody_days():
    moods = np.random.default_rng(0).normal(0, 0.5, 70)
    assert floor_of(moods, 7 * DAY) < floor_of(moods, DAY)


def test_blocks_have_the_windows_length_and_lie_within():
    times = np.arange(0, 100 * DAY, DAY // 10)
    found = blocks(times, 7 * DAY)
    assert all(0 <= first < last <= len(times) for first, last in found)
    assert {last - first for first, last in found} <= {70, 71}
    assert independent(times, 7 * DAY) == 14


def test_a_short_reference_gets_shorter_blocks():
    times = np.arange(0, 2 * DAY, DAY // 100)
    assert max(last - first for first, last in blocks(times, 7 * DAY)) <= 51


def test_a_reference_without_any_span_of_time_is_cut_by_order():
    assert len(blocks(np.zeros(100, dtype=np.int64), DAY)) == 10


@pytest.mark.parametrize("rows", [0, 1, 19])
def test_a_handful_of_rows_has_no_blocks(rows):
    assert blocks(np.arange(rows) * DAY, DAY) == []
    assert independent(np.arange(rows) * DAY, DAY) >= 0


def test_a_gap_in_the_data_is_no_block():
    times = np.concatenate([np.arange(0, 20 * DAY, DAY // 50), np.arange(60 * DAY, 80 * DAY, DAY // 50)])
    assert min(last - first for first, last in blocks(times, 5 * DAY)) > 10


def test_few_blocks_get_three_standard_deviations_instead_of_a_percentile():
    effects = np.array([0.1, 0.2, 0.1, 0.2])
    assert upper_end(effects, 4) == pytest.approx(0.15 + 3 * 0.05)
    assert upper_end(effects, 60) == pytest.approx(np.quantile(effects, 0.99))
