"""Graphs in core operators answer like the ones they are made of: trees of every shape, and what else there is."""

import numpy as np
import onnx
import pytest
from edge_models import MODELS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.svm import SVC

from noria.features.model import InputColumn
from noria.optimization.convert import to_onnx
from noria.optimization.edge.graph import NoPlainForm
from noria.optimization.edge.plain import plain
from noria.optimization.edge.running import opened
from noria.optimization.probes import UNSEEN

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ")
FEATURES, WIDTH = 3, 3
numbers = st.sampled_from([-1.5, -1.0, 0.0, 0.5, 1.0, 2.0, float("inf"), float("-inf"), float("nan")])


@st.composite
def forests(draw):
    """The nodes of some trees as the operator names them, with leaves for some targets."""
    modes = draw(st.lists(st.sampled_from(MODES), min_size=1, max_size=3))
    given = {name: [] for name in ("tree", "node", "mode", "feature", "value", "true", "false", "missing")}
    leaves = []
    for tree in range(draw(st.integers(1, 3))):
        count = 0

        def grow(depth, tree=tree):
            nonlocal count
            own, count = count, count + 1
            leaf = depth == 0 or draw(st.integers(0, 3)) == 0
            place = len(given["tree"])
            for name in given:
                given[name].append(0)
            given["tree"][place], given["node"][place] = tree, own
            given["mode"][place] = "LEAF" if leaf else draw(st.sampled_from(modes))
            if leaf:
                leaves.extend((tree, own, target, draw(st.integers(-8, 8)) / 4) for target in range(WIDTH))
                return own
            given["feature"][place] = draw(st.integers(0, FEATURES - 1))
            given["value"][place] = draw(st.sampled_from([-1.0, 0.0, 0.5, 1.0]))
            given["missing"][place] = draw(st.integers(0, 1))
            given["true"][place], given["false"][place] = grow(depth - 1), grow(depth - 1)
            return own

        grow(draw(st.integers(0, 4)))
    return given, leaves


def ensemble(nodes, leaves, *, width=WIDTH, kind=TensorProto.FLOAT, **more):
    """A graph of one TreeEnsembleRegressor."""
    leaves = [leaf for leaf in leaves if leaf[2] < width]
    trees, numbers, targets, weights = (list(one) for one in zip(*leaves, strict=True))
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=width, **branches(nodes),
        target_treeids=trees, target_nodeids=numbers, target_ids=targets, target_weights=weights, **more,
    )  # fmt: skip
    return saved([node], kind)


def branches(nodes):
    return {
        "nodes_treeids": nodes["tree"], "nodes_nodeids": nodes["node"], "nodes_modes": nodes["mode"],
        "nodes_featureids": nodes["feature"], "nodes_values": [float(one) for one in nodes["value"]],
        "nodes_truenodeids": nodes["true"], "nodes_falsenodeids": nodes["false"],
        "nodes_missing_value_tracks_true": nodes["missing"],
    }  # fmt: skip


def saved(nodes, kind=TensorProto.FLOAT):
    x = helper.make_tensor_value_info("x", kind, [None, FEATURES])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    graph = helper.make_graph(nodes, "g", [x], [y])
    return helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()


def asked(content, rows):
    return opened(content).run(None, {"x": rows})[-1]


several_rows = st.lists(st.lists(numbers, min_size=FEATURES, max_size=FEATURES), min_size=1, max_size=8)
whatever = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@whatever
@given(
    forests(), several_rows, st.sampled_from(["SUM", "AVERAGE"]), st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX"]),
    st.integers(1, WIDTH), st.booleans(),
)  # fmt: skip
def test_any_trees_on_any_rows(trees, rows, how, kind, width, double):
    element, dtype = (TensorProto.DOUBLE, np.float64) if double else (TensorProto.FLOAT, np.float32)
    more = {"aggregate_function": how, "post_transform": kind, "base_values": [0.25] * width}
    content = ensemble(*trees, width=width, kind=element, **more)
    assert alike(content, np.array(rows, dtype))


@whatever
@given(forests(), several_rows, st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX"]), st.sampled_from([1, 2, 3]))
def test_any_classifier_on_any_rows(trees, rows, kind, classes):
    """One weighted class of two is what boosted trees have, and is answered in a way of its own."""
    nodes, leaves = trees
    leaves = [leaf for leaf in leaves if leaf[2] < classes]
    trees_of, nodes_of, ids, weights = (list(one) for one in zip(*leaves, strict=True))
    classifier = helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "y"], domain="ai.onnx.ml", **branches(nodes), post_transform=kind,
        class_treeids=trees_of, class_nodeids=nodes_of, class_ids=ids, class_weights=weights,
        classlabels_int64s=list(range(max(2, classes))),
    )  # fmt: skip
    assert alike(saved([classifier]), np.array(rows, np.float32))


def alike(content, rows):
    return np.allclose(asked(plain(content).content, rows), asked(content, rows), atol=1e-6, equal_nan=True)


BOTH = {"classlabels_ints": [0, 1]}
LINEAR = {
    "LinearRegressor": {"coefficients": [0.5, -1.0, 2.0], "intercepts": [0.25], "targets": 1},
    "LinearClassifier": {"coefficients": [0.5, -1.0, 2.0] * 2, "intercepts": [0.25, 1.0], **BOTH},
    "LinearClassifier of one score": {
        "coefficients": [0.5, -1.0, 2.0],
        "intercepts": [0.25],
        "classlabels_ints": [0, 1],
    },
    "Normalizer": {},
    "Scaler": {"offset": [0.5, 1.0, -1.0], "scale": [2.0, 0.1, 1.0]},
    "Imputer": {"imputed_value_floats": [7.0, 8.0, 9.0], "replaced_value_float": float("nan")},
}


@pytest.mark.parametrize("more", [{}, {"post_transform": "LOGISTIC"}, {"post_transform": "SOFTMAX"}, {"norm": "L1"},
                                  {"norm": "L2"}, {"replaced_value_float": 1.0}])  # fmt: skip
@pytest.mark.parametrize("operator", LINEAR)
def test_operators_that_are_no_trees(operator, more):
    known = {"Linear": "post", "Normali": "norm", "Imputer": "replaced"}
    takes = next((takes for name, takes in known.items() if operator.startswith(name)), "nothing")
    more = {name: value for name, value in more.items() if name.startswith(takes)}
    if operator == "Normalizer" and not more:
        more = {"norm": "L1"}
    outputs = ["label", "y"] if operator.startswith("LinearClassifier") else ["y"]
    node = helper.make_node(
        operator.partition(" ")[0], ["x"], outputs, domain="ai.onnx.ml", **{**LINEAR[operator], **more}
    )
    rows = np.random.default_rng(0).choice([-1.5, 0.25, 1.0, 3.0], (20, FEATURES)).astype(np.float32)
    if operator == "Imputer":
        rows[::3, 1] = np.nan
    assert alike(saved([node]), rows)


def test_no_operator_is_left_that_only_onnx_runtime_knows(edge):
    for name in MODELS:
        form = plain(edge.ws.blobs.get(edge.package(name).model))
        graph = onnx.load_from_string(form.content)
        assert {node.domain for node in graph.graph.node} == {""}
        assert [one.domain for one in graph.opset_import] == [""]
        assert all(one.type.tensor_type.elem_type != TensorProto.STRING for one in graph.graph.input)
        used = {name for node in graph.graph.node for name in node.input}
        assert {one.name for one in graph.graph.initializer} <= used


def test_texts_become_places_in_a_vocabulary(edge):
    form = plain(edge.ws.blobs.get(edge.package("boosted-with-nulls").model))
    assert form.vocabulary == ("", "BOS", "EWR", "JFK", "LGA"), "the empty text is what stands for null"
    assert UNSEEN not in form.vocabulary
    assert plain(edge.ws.blobs.get(edge.package("boosted").model)).vocabulary == ()


def test_what_has_no_plain_form_says_why():
    for more, words in (
        ({"aggregate_function": "MIN"}, "put together by MIN"),
        ({"post_transform": "PROBIT"}, "go through PROBIT"),
    ):
        leaf = {name: [0] for name in ("tree", "node", "feature", "value", "true", "false", "missing")}
        with pytest.raises(NoPlainForm, match=words):
            plain(ensemble({**leaf, "mode": ["LEAF"]}, [(0, 0, 0, 1.0)], width=1, **more))
    other = helper.make_node("SVMRegressor", ["x"], ["y"], domain="ai.onnx.ml")
    with pytest.raises(NoPlainForm, match=r"SVMRegressor of ai.onnx.ml has no form"):
        plain(saved([other]))
    with pytest.raises(NoPlainForm, match="no form in core operators"):
        plain(to_onnx(SVC(probability=False).fit([[0.0], [1.0]], [0, 1]), [InputColumn("x", "float")]))


def test_trees_that_go_in_circles_end():
    looped = {"tree": [0, 0], "node": [0, 1], "mode": ["BRANCH_LEQ", "BRANCH_LEQ"], "feature": [0, 0],
              "value": [0, 0], "true": [1, 0], "false": [1, 0], "missing": [0, 0]}  # fmt: skip
    with pytest.raises(NoPlainForm, match="circles"):
        plain(ensemble(looped, [(0, 0, 0, 1.0)], width=1))
