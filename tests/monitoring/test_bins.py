"""Fixed bins hold every value exactly once, wherever it lies."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from noria.monitoring.bins import CELLS, category_bins, cells_of, count_cells, reference_edges

numbers = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e12, 1e12))
anything = arrays(np.float64, st.integers(0, 60), elements=st.floats(allow_nan=False, width=64))


@given(reference=numbers, live=anything)
@settings(deadline=None)
def test_every_value_falls_into_one_cell(reference, live):
    edges = reference_edges(reference)
    assert len(edges) == CELLS + 1
    assert count_cells(live, edges).sum() == len(live)


@given(reference=numbers, live=anything)
@settings(deadline=None)
def test_cells_keep_the_order_of_values(reference, live):
    assert (np.diff(cells_of(np.sort(live), reference_edges(reference))) >= 0).all()


def test_a_constant_notices_any_other_value():
    edges = reference_edges(np.full(50, 7.0))
    middle = count_cells(np.full(3, 7.0), edges)
    assert middle[0] == middle[-1] == 0
    assert count_cells(np.array([6.99, 7.01]), edges)[[0, -1]].tolist() == [1, 1]


def test_infinities_lie_outside():
    edges = reference_edges(np.arange(100.0))
    counts = count_cells(np.array([-np.inf, np.inf]), edges)
    assert counts[0] == counts[-1] == 1


def test_no_values_give_no_edges():
    assert len(reference_edges(np.empty(0))) == 0


def test_rarer_and_never_seen_categories_are_told_apart():
    assert category_bins(["b", "rare", "new", "a"], {"a": 9, "b": 4}, ["rare"]).tolist() == [1, 2, 3, 0]
