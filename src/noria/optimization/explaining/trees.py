"""Exact Shapley values of a tree ensemble, column by column, against background rows.

The game is the interventional one: a coalition's worth is the mean answer when its columns are the row's and the
others a background row's. For one background row a leaf counts only where each column on its path leads there from
the row or from the background; a leaf that needs n columns of the row and m of the background gives each of the
first (n-1)! m! / (n+m)! of its worth and takes n! (m-1)! / (n+m)! from each of the others
(Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020, section 4).
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from noria.optimization.explaining.ensembles import Ensemble

Array = np.ndarray[Any, Any]
_AT_ONCE = 8


class TreeGame:
    """An ensemble whose features belong to columns: `owner` (features,), against `background` (rows, features)."""

    def __init__(self, ensemble: Ensemble, owner: Array, columns: int, background: Array) -> None:
        self._ensemble = ensemble
        self._columns = columns
        players = owner[ensemble.feature[ensemble.path_branch]]
        order = np.lexsort((players, ensemble.path_leaf))
        self._branch, self._side = ensemble.path_branch[order], ensemble.path_side[order]
        leaf, player = ensemble.path_leaf[order], players[order]
        new = np.ones(len(leaf), bool)
        new[1:] = (leaf[1:] != leaf[:-1]) | (player[1:] != player[:-1])
        self._starts = np.flatnonzero(new)
        self._player, group_leaf = player[new], leaf[new]
        fresh = np.ones(len(group_leaf), bool)
        fresh[1:] = group_leaf[1:] != group_leaf[:-1]
        self._leaves = np.flatnonzero(fresh)
        self._leaf = np.cumsum(fresh) - 1
        self._worth = ensemble.worth[group_leaf[fresh]]
        lone = np.ones(len(ensemble.worth), bool)
        lone[group_leaf] = False
        self._constant = float(ensemble.worth[lone].sum())
        self._gives, self._takes = _weights(int(np.bincount(self._leaf).max(initial=1)))
        self._background = self._open(background)
        self.base = float(self._totals(self._background).mean())

    def totals(self, features: Array) -> Array:
        """What the ensemble answers to rows of features: (rows,)."""
        return self._totals(self._open(features))

    def shapley(self, features: Array) -> Array:
        """What each column contributes to the answer to one row of features: (columns,), summing to total - base."""
        own = self._open(features.reshape(1, -1))[0]
        found = np.zeros(self._columns)
        for start in range(0, len(self._background), _AT_ONCE):
            theirs = self._background[start : start + _AT_ONCE]
            first, second = own & ~theirs, ~own & theirs
            n, m = self._per_leaf(first), self._per_leaf(second)
            reached = self._per_leaf(~own & ~theirs) == 0
            worth = np.where(reached, self._worth, 0.0)
            shares = first * (worth * self._gives[n, m])[:, self._leaf]
            shares -= second * (worth * self._takes[n, m])[:, self._leaf]
            found += np.bincount(self._player, weights=shares.sum(axis=0), minlength=self._columns)
        return found / len(self._background)

    def _open(self, features: Array) -> Array:
        """Whether each column lets rows pass on the way to each leaf: bool (rows, groups)."""
        if not len(self._starts):
            return np.zeros((len(features), 0), bool)
        passes = self._ensemble.sides(features)[:, self._branch] == self._side
        return np.logical_and.reduceat(passes, self._starts, axis=1)

    def _per_leaf(self, groups: Array) -> Array:
        if not len(self._leaves):
            return np.zeros((len(groups), 0), int)
        return np.add.reduceat(groups.astype(np.int64), self._leaves, axis=1)

    def _totals(self, opened: Array) -> Array:
        found: Array = np.where(self._per_leaf(~opened) == 0, self._worth, 0.0).sum(axis=1) + self._constant
        return found


def _weights(most: int) -> tuple[Array, Array]:
    gives, takes = np.zeros((most + 1, most + 1)), np.zeros((most + 1, most + 1))
    for n in range(most + 1):
        for m in range(most + 1 - n):
            if n:
                gives[n, m] = factorial(n - 1) * factorial(m) / factorial(n + m)
            if m:
                takes[n, m] = factorial(n) * factorial(m - 1) / factorial(n + m)
    return gives, takes
