"""Distances from bin counts agree with the exact ones, and chance is where it is said to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from noria.monitoring.bins import count_cells, reference_edges
from noria.monitoring.distance import jensen_shannon, shannon_sampling, wasserstein, wasserstein_sampling


@given(shift=st.floats(-2, 2), scale=st.floats(0.5, 2), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_binned_wasserstein_is_close_to_the_exact_one(shift, scale, seed):
    rng = np.random.default_rng(seed)
    reference = rng.uniform(-5, 5, 3000)
    live = np.clip(rng.uniform(-2, 2, 800) * scale + shift, -4.9, 4.9)
    edges = reference_edges(reference)
    ours = wasserstein(count_cells(live, edges), count_cells(reference, edges), edges, 1.0)
    assert float(ours) == pytest.approx(stats.wasserstein_distance(live, reference), abs=edges[1] - edges[0] + 0.01)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=30))
@settings(deadline=None)
def test_jensen_shannon_is_the_one_of_scipy(pairs):
    ours, theirs = np.array(pairs).T
    if ours.sum() and theirs.sum():
        expected = jensenshannon(ours / ours.sum(), theirs / theirs.sum(), base=2)
        assert float(jensen_shannon(ours, theirs)) == pytest.approx(np.nan_to_num(expected), abs=1e-7)


def test_a_whole_table_of_windows_is_compared_at_once():
    edges = np.linspace(0, 1, 11)
    rows = np.arange(24).reshape(2, 12)
    together = wasserstein(rows, rows[0], edges, 1.0)
    assert together.tolist() == [float(wasserstein(row, rows[0], edges, 1.0)) for row in rows]


@pytest.mark.parametrize("rows", [200, 2000])
def test_chance_alone_stays_below_the_sampling_bound_in_about_99_of_100(rows):
    rng = np.random.default_rng(0)
    reference = rng.normal(size=100_000)
    edges = reference_edges(reference)
    counts = count_cells(reference, edges)
    bound = wasserstein_sampling(counts, edges, 1.0) / rows**0.5
    seen = [float(wasserstein(count_cells(rng.normal(size=rows), edges), counts, edges, 1.0)) for _ in range(300)]
    assert 0.97 <= np.mean(np.array(seen) < bound) <= 1
    assert np.median(seen) > bound / 4
    names = rng.multinomial(100_000, np.full(40, 1 / 40))
    far = [float(jensen_shannon(rng.multinomial(rows, np.full(40, 1 / 40)), names)) for _ in range(300)]
    assert 0.97 <= np.mean(np.array(far) < shannon_sampling(names) / rows**0.5) <= 1
