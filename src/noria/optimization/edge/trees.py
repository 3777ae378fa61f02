"""Trees walked with core operators: all trees of an ensemble at once, one level after the other.

Every row keeps the node it has come to in each tree, (rows, trees). A level looks up that node's feature and threshold
(Gather), the row's value (GatherElements), and steps to one child or the other (Where); a leaf's children are itself.
There are as many levels as the deepest tree has: the graph grows with the depth and its tables with the nodes, never
with the product of nodes and leaves, as it does where trees are written as matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from noria.optimization.edge.graph import (
    Array,
    Builder,
    NoPlainForm,
    attributes_of,
    one_value,
    post_transform,
    two_classes,
)

_COMPARE = {
    b"BRANCH_LEQ": "LessOrEqual",
    b"BRANCH_LT": "Less",
    b"BRANCH_GTE": "GreaterOrEqual",
    b"BRANCH_GT": "Greater",
    b"BRANCH_EQ": "Equal",
}
_LEAF = b"LEAF"


@dataclass(frozen=True)
class Forest:
    """The nodes of all trees as columns of one table; `roots` are places in it, `depth` is the longest way down.

    `mode` is a place in `modes`, `missing` where NaN goes the true way. `place` is by tree and node, as the operator
    names them.
    """

    feature: Array
    threshold: Array
    mode: Array
    missing: Array
    true: Array
    false: Array
    roots: Array
    depth: int
    modes: tuple[bytes, ...]
    place: dict[tuple[int, int], int]

    def leaves(self, build: Builder, given: str) -> str:
        """The leaf (rows, trees) that every row ends in; `given` is the matrix of features."""
        from onnx import TensorProto

        matrix, kind = build.floats(given)
        tables = {
            "feature": build.constant(self.feature),
            "threshold": build.constant(self.threshold.astype(kind)),
            "mode": build.constant(self.mode),
            "true": build.constant(self.true),
            "false": build.constant(self.false),
            "missing": build.constant(self.missing.astype(np.float32)),
        }
        at = build.constant(self.roots.reshape(1, -1))
        value = build.add("Gather", matrix, build.constant(self.feature[self.roots]), axis=1)
        for level in range(max(1, self.depth)):
            if level:
                value = build.add("GatherElements", matrix, build.add("Gather", tables["feature"], at), axis=1)
            true = self._compared(build, value, build.add("Gather", tables["threshold"], at), tables["mode"], at)
            if self.missing.any():
                tracks = build.add("Cast", build.add("Gather", tables["missing"], at), to=TensorProto.BOOL)
                true = build.add("Or", true, build.add("And", build.add("IsNaN", value), tracks))
            ways = [build.add("Gather", tables[side], at) for side in ("true", "false")]
            at = build.add("Where", true, *ways)
        return at

    def _compared(self, build: Builder, value: str, threshold: str, table: str, at: str) -> str:
        """Whether each row goes the true way; by And and Or, since Where takes no booleans in ONNX Runtime."""
        answer = build.add(_COMPARE[self.modes[0]], value, threshold)
        for number, name in enumerate(self.modes[1:], 1):
            chosen = build.add("Equal", build.add("Gather", table, at), build.constant(np.array(number, np.int64)))
            true = build.add("And", chosen, build.add(_COMPARE[name], value, threshold))
            answer = build.add("Or", true, build.add("And", build.add("Not", chosen), answer))
        return answer


def forest(given: dict[str, Any]) -> Forest:
    """The trees of a node's attributes. Raises NoPlainForm for a way to branch that is not known here."""
    keys = list(zip(given["nodes_treeids"], given["nodes_nodeids"], strict=True))
    place = {key: number for number, key in enumerate(keys)}
    leaf = np.array([one == _LEAF for one in given["nodes_modes"]])
    modes = tuple(sorted(set(given["nodes_modes"]) - {_LEAF})) or (b"BRANCH_LEQ",)
    unknown = [one for one in modes if one not in _COMPARE]
    if unknown:
        raise NoPlainForm(f"its trees branch by {unknown[0].decode()}, which has no form in core operators here")
    tracks = given.get("nodes_missing_value_tracks_true", [0] * len(keys))

    def children(name: str) -> Array:
        pairs = zip(keys, given[name], strict=True)
        return np.array([n if leaf[n] else place[tree, child] for n, ((tree, _), child) in enumerate(pairs)], np.int64)

    true, false = children("nodes_truenodeids"), children("nodes_falsenodeids")
    first: dict[int, int] = {}
    for number, (tree, _) in enumerate(keys):
        first.setdefault(tree, number)
    roots = np.array(list(first.values()), np.int64)
    return Forest(
        feature=np.where(leaf, 0, np.array(given["nodes_featureids"], np.int64)),
        threshold=np.array(given["nodes_values"]),
        mode=np.array([0 if one == _LEAF else modes.index(one) for one in given["nodes_modes"]], np.int64),
        missing=np.array(tracks, bool) & ~leaf,
        true=true, false=false, roots=roots, depth=_depth(true, false, roots), modes=modes, place=place,
    )  # fmt: skip


def regressor(build: Builder, node: Any) -> None:
    """The sum or the mean of the leaves. Raises NoPlainForm."""
    given = attributes_of(node)
    how = given.get("aggregate_function", b"SUM")
    if how not in (b"SUM", b"AVERAGE"):
        raise NoPlainForm(f"its trees are put together by {how.decode()}, which has no form in core operators here")
    trees = forest(given)
    weights = _weights(given, trees, "target", given.get("n_targets", 1))
    if how == b"AVERAGE":
        weights = weights / np.float32(len(trees.roots))
    scores = _summed(build, node, trees, weights, given.get("base_values"))
    finish = one_value if weights.shape[1] == 1 else post_transform
    finish(build, scores, given.get("post_transform", b"NONE"), node.output[0])


def classifier(build: Builder, node: Any) -> None:
    """The scores of the classes. The label is left out: whoever needs it gets NoPlainForm from the caller."""
    given = attributes_of(node)
    trees = forest(given)
    classes = len(given.get("classlabels_int64s") or given.get("classlabels_strings") or ())
    kind = given.get("post_transform", b"NONE")
    one_score = classes == 2 and len(set(given["class_ids"])) == 1
    weights = _weights(given, trees, "class", 1 if one_score else classes, alone=one_score)
    scores = _summed(build, node, trees, weights, given.get("base_values"))
    if one_score:
        two_classes(build, scores, kind, node.output[1], chance=bool((weights >= 0).all()))
    else:
        post_transform(build, scores, kind, node.output[1])


def _weights(given: dict[str, Any], trees: Forest, what: str, width: int, *, alone: bool = False) -> Array:
    """What every node adds to every score, (nodes, scores)."""
    found = np.zeros((len(trees.feature), width), np.float32)
    named = zip(given[f"{what}_treeids"], given[f"{what}_nodeids"], strict=True)
    for key, score, weight in zip(named, given[f"{what}_ids"], given[f"{what}_weights"], strict=True):
        found[trees.place[key], 0 if alone else score] += weight
    return found


def _summed(build: Builder, node: Any, trees: Forest, weights: Array, base: Any) -> str:
    """The scores (rows, width) of every row's leaves, and what they begin with."""
    leaves = trees.leaves(build, node.input[0])
    axis = build.constant(np.array([1], np.int64))
    if weights.shape[1] == 1:
        table = build.constant(weights[:, 0])
        scores = build.add("ReduceSum", build.add("Gather", table, leaves), axis, keepdims=1)
    else:
        scores = build.add("ReduceSum", build.add("Gather", build.constant(weights), leaves), axis, keepdims=0)
    start = np.array([] if base is None else base, np.float32)
    if len(start) not in (0, weights.shape[1]):
        raise NoPlainForm(f"it begins with {len(start)} values for {weights.shape[1]} scores")
    return build.add("Add", scores, build.constant(start.reshape(1, -1))) if len(start) else scores


def _depth(true: Array, false: Array, roots: Array) -> int:
    """The longest way from a root to a leaf, in steps."""
    steps, level = 0, np.unique(roots)
    while True:
        below = np.unique(np.concatenate([true[level], false[level]]))
        level = np.setdiff1d(below, level)
        if not len(level):
            return steps
        steps += 1
        if steps > len(true):
            raise NoPlainForm("its trees go in circles")
