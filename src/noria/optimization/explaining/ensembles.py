"""A tree ensemble: its leaves, what leads to them, and what they are worth; read from an ONNX graph.

Operators TreeEnsembleRegressor and TreeEnsembleClassifier of `ai.onnx.ml` (versions 1 to 3 of the specification).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_OPERATORS = ("TreeEnsembleRegressor", "TreeEnsembleClassifier")
_BRANCHES = {
    "BRANCH_LEQ": np.less_equal, "BRANCH_LT": np.less, "BRANCH_GTE": np.greater_equal, "BRANCH_GT": np.greater,
    "BRANCH_EQ": np.equal, "BRANCH_NEQ": np.not_equal,
}  # fmt: skip


@dataclass(frozen=True)
class Ensemble:
    """Branches: `feature`, `threshold`, `mode`, `missing` (whether NaN takes the true side), each (branches,).

    Paths: `path_leaf`, `path_branch`, `path_side`, one entry for every branch above every leaf, ordered by leaf.
    `worth` (leaves,) is what a leaf adds. `tensor` names the graph's tensor that holds the features,
    where it comes of a graph.
    """

    tensor: str
    feature: Array
    threshold: Array
    mode: Array
    missing: Array
    path_leaf: Array
    path_branch: Array
    path_side: Array
    worth: Array

    def packed(self) -> bytes:
        """The same as bytes, for another process."""
        buffer = io.BytesIO()
        np.savez(buffer, **vars(self))
        return buffer.getvalue()

    @classmethod
    def unpacked(cls, data: bytes) -> Ensemble:
        """The ensemble of such bytes; nothing in them is executed. Raises ValueError, KeyError, zipfile.BadZipFile."""
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return cls(str(found["tensor"]), *(found[one.name] for one in fields(cls)[1:]))

    def sides(self, features: Array) -> Array:
        """Which side each branch takes, bool (rows, branches), for features (rows, features)."""
        values = features[:, self.feature]
        found = np.zeros(values.shape, bool)
        for mode in np.unique(self.mode):
            these = self.mode == mode
            found[:, these] = _BRANCHES[mode](values[:, these], self.threshold[these].astype(features.dtype))
        return np.where(np.isnan(values), self.missing, found)


def read_ensemble(graph: Any) -> Ensemble | None:
    """The only tree ensemble of an `onnx.GraphProto`; None when there is none, several, or one of another form."""
    from onnx import helper

    nodes = [node for node in graph.node if node.op_type.startswith("TreeEnsemble")]
    if len(nodes) != 1 or nodes[0].op_type not in _OPERATORS:
        return None
    told = {one.name: helper.get_attribute_value(one) for one in nodes[0].attribute}
    modes = np.array([mode.decode() for mode in told["nodes_modes"]])
    if not set(modes) <= {*_BRANCHES, "LEAF"} or told.get("aggregate_function", b"SUM") not in (b"SUM", b"AVERAGE"):
        return None
    place = {key: n for n, key in enumerate(zip(told["nodes_treeids"], told["nodes_nodeids"], strict=True))}
    leaves, worth = _worth(told, place)
    if told.get("aggregate_function") == b"AVERAGE":
        worth = worth / len(set(told["nodes_treeids"]))
    paths = _paths(told, place, modes, leaves)
    branches = np.flatnonzero(modes != "LEAF")
    number = np.full(len(modes), -1)
    number[branches] = np.arange(len(branches))
    missing = np.array(told.get("nodes_missing_value_tracks_true") or [0] * len(modes), bool)
    return Ensemble(
        nodes[0].input[0], np.array(told["nodes_featureids"])[branches], _numbers(told, "nodes_values")[branches],
        modes[branches], missing[branches], paths[0], number[paths[1]], paths[2].astype(bool), worth,
    )  # fmt: skip


def _numbers(told: dict[str, Any], name: str) -> Array:
    from onnx import numpy_helper

    if f"{name}_as_tensor" in told:
        return numpy_helper.to_array(told[f"{name}_as_tensor"]).astype(np.float64)
    return np.array(told[name], np.float32).astype(np.float64)


def _worth(told: dict[str, Any], place: dict[tuple[int, int], int]) -> tuple[dict[int, int], Array]:
    """Number of every leaf by its node, and its worth: for the last class where there are several."""
    kind = "class" if "class_ids" in told else "target"
    ids = np.array(told[f"{kind}_ids"])
    nodes = [place[key] for key in zip(told[f"{kind}_treeids"], told[f"{kind}_nodeids"], strict=True)]
    leaves = {node: n for n, node in enumerate(dict.fromkeys(nodes))}
    worth = np.zeros(len(leaves))
    for node, one, weight in zip(nodes, ids, _numbers(told, f"{kind}_weights"), strict=True):
        if one == ids.max():
            worth[leaves[node]] += weight
    return leaves, worth


def _paths(told: dict[str, Any], place: dict[tuple[int, int], int], modes: Array, leaves: dict[int, int]) -> Array:
    """Leaf, branch and side of every branch above every leaf: (3, entries)."""
    above: dict[int, tuple[int, int]] = {}
    trees, yes, no = told["nodes_treeids"], told["nodes_truenodeids"], told["nodes_falsenodeids"]
    for node in np.flatnonzero(modes != "LEAF").tolist():
        above[place[trees[node], yes[node]]] = (node, 1)
        above[place[trees[node], no[node]]] = (node, 0)
    entries = []
    for leaf, number in leaves.items():
        node = leaf
        while node in above:
            node, side = above[node]
            entries.append((number, node, side))
    return np.array(entries, int).reshape(-1, 3).T
