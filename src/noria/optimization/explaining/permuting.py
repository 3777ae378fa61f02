"""Shapley values of any model, sampled: columns are turned from a background row's to the row's, in random orders.

Each order is used backwards too, which cancels much of the error (antithetic sampling; Mitchell et al., "Sampling
Permutations for Shapley Value Estimation", JMLR 2022). The same row gets the same explanation: the orders are fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Predict = Callable[[Mapping[str, Sequence[Any]]], Array]
_PAIRS = 32
"""The fewest; where there are more background rows, a pair for each of them."""


def permuted(
    predict: Predict, columns: Sequence[str], row: Mapping[str, Any], background: Mapping[str, Sequence[Any]]
) -> tuple[float, Array]:
    """The mean answer to the background's rows, each used equally often, and what each column contributes: (columns,).

    Both together make the answer to the row, but for rounding. Raises what `predict` raises.
    """
    rng = np.random.default_rng(0)
    known = len(background[columns[0]])
    pairs = known * -(-_PAIRS // known)
    orders = [order for _ in range(pairs) for order in _both(rng.permutation(len(columns)))]
    steps = len(columns) + 1
    values: dict[str, list[Any]] = {name: [] for name in columns}
    for number, order in enumerate(orders):
        rank = np.argsort(order)
        there = number // 2 % known
        for column, name in enumerate(columns):
            before = int(rank[column]) + 1  # rows of this order in which the column is still the background's
            values[name] += [background[name][there]] * before + [row[name]] * (steps - before)
    answers = np.asarray(predict(values), np.float64).reshape(len(orders), steps)
    found = np.zeros(len(columns))
    for order, gains in zip(orders, np.diff(answers, axis=1), strict=True):
        found[order] += gains
    return float(answers[:, 0].mean()), found / len(orders)


def _both(order: Array) -> tuple[Array, Array]:
    return order, order[::-1]
