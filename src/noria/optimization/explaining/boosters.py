"""Trees of XGBoost and LightGBM as an `Ensemble`, read from what the libraries themselves write of their models.

XGBoost: doc/model.schema of its JSON format; a row goes left where its feature (single precision) is less than the
condition. LightGBM: `Booster.dump_model`; a row goes left where its feature is at most the threshold. Models with
categorical splits, of other boosters than plain trees, or with zeros as missing values are not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from noria.optimization.explaining.ensembles import Ensemble

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Boosted:
    """Trees, and what makes their features, (rows, features), of the frame that the whole model takes."""

    ensemble: Ensemble
    features: Callable[[Any], Array]


@dataclass(frozen=True)
class _Node:
    """A branch; a child is another branch, or what its leaf is worth."""

    feature: int
    threshold: float
    missing: bool
    yes: _Node | float
    no: _Node | float


class _Unread(Exception):
    """Something that is no plain tree of numbers."""


def read_boosted(model: Any) -> Boosted | None:
    """The trees of a fitted estimator, or of a pipeline that ends in one; None for anything else."""
    steps = [step for _, step in getattr(model, "steps", [("", model)])]
    last, before = steps[-1], steps[:-1]
    single = hasattr(last, "get_booster")
    try:
        if single:
            ensemble = _ensemble(_xgboost(last), "BRANCH_LT")
        elif hasattr(last, "booster_"):
            ensemble = _ensemble(_lightgbm(last), "BRANCH_LEQ")
        else:
            return None
    except _Unread:
        return None

    def features(frame: Any) -> Array:
        for step in before:
            frame = step.transform(frame)
        if hasattr(frame, "tocoo"):
            frame = _dense(frame.tocoo(), np.nan if single else 0.0)
        return np.asarray(frame, np.float64).astype(np.float32 if single else np.float64)

    return Boosted(ensemble, features)


def _dense(sparse: Any, absent: float) -> Array:
    """What a sparse matrix leaves out is zero to LightGBM, and missing to XGBoost."""
    found = np.full(sparse.shape, absent)
    found[sparse.row, sparse.col] = sparse.data
    return found


def _xgboost(estimator: Any) -> list[_Node | float]:
    booster = estimator.get_booster()
    best = booster.attributes().get("best_iteration")
    written = (booster if best is None else booster[: int(best) + 1]).save_raw("json")
    gradient = json.loads(bytes(written))["learner"]["gradient_booster"]
    if gradient["name"] != "gbtree" or any(gradient["model"]["tree_info"]):
        raise _Unread
    return [_xgboost_tree(one, 0) for one in gradient["model"]["trees"]]


def _xgboost_tree(tree: dict[str, Any], node: int) -> _Node | float:
    left, right = tree["left_children"][node], tree["right_children"][node]
    condition = tree["split_conditions"][node]
    if left < 0:
        return float(np.float32(condition))
    if tree["split_type"][node]:
        raise _Unread
    yes, no = _xgboost_tree(tree, left), _xgboost_tree(tree, right)
    return _Node(tree["split_indices"][node], condition, bool(tree["default_left"][node]), yes, no)


def _lightgbm(estimator: Any) -> list[_Node | float]:
    dumped = estimator.booster_.dump_model()
    if dumped["num_tree_per_iteration"] != 1 or dumped.get("average_output"):
        raise _Unread
    return [_lightgbm_tree(one["tree_structure"]) for one in dumped["tree_info"]]


def _lightgbm_tree(node: dict[str, Any]) -> _Node | float:
    if "leaf_value" in node:
        if "leaf_coeff" in node:
            raise _Unread
        return float(node["leaf_value"])
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        raise _Unread
    threshold = float(node["threshold"])
    missing = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0  # there NaN counts as zero
    yes, no = _lightgbm_tree(node["left_child"]), _lightgbm_tree(node["right_child"])
    return _Node(node["split_feature"], threshold, bool(missing), yes, no)


def _ensemble(trees: list[_Node | float], mode: str) -> Ensemble:
    branches: list[_Node] = []
    worth: list[float] = []
    paths: list[tuple[int, int, bool]] = []
    for tree in trees:
        for value, above in _leaves(tree, (), branches):
            paths += [(len(worth), branch, side) for branch, side in above]
            worth.append(value)
    leaf, branch, side = np.array(paths, int).reshape(-1, 3).T
    return Ensemble(
        "", np.array([one.feature for one in branches], int), np.array([one.threshold for one in branches]),
        np.full(len(branches), mode), np.array([one.missing for one in branches], bool),
        leaf, branch, side.astype(bool), np.array(worth),
    )  # fmt: skip


def _leaves(
    node: _Node | float, above: tuple[tuple[int, bool], ...], branches: list[_Node]
) -> Iterator[tuple[float, tuple[tuple[int, bool], ...]]]:
    """Every leaf's worth with the branches above it, numbered as they come to lie in `branches`."""
    if not isinstance(node, _Node):
        yield node, above
        return
    number = len(branches)
    branches.append(node)
    yield from _leaves(node.yes, (*above, (number, True)), branches)
    yield from _leaves(node.no, (*above, (number, False)), branches)
