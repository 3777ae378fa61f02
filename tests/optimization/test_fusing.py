"""Graphs that take a matrix: the same answers, bit by bit, or no such graph at all."""

import numpy as np
import onnx
import pytest
from hangar import boosted, inputs_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from noria.core.errors import BadInput
from noria.optimization.fusing import MATRIX, fused
from noria.optimization.operations import served_graph
from noria.optimization.session import Session

NUMBERS = inputs_of(distance="float", hour="int", holiday="bool")

MODELS = {
    "boosted trees": lambda: GradientBoostingClassifier(n_estimators=20),
    "histogram trees": lambda: HistGradientBoostingClassifier(max_iter=15),
    "perceptron": lambda: make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=30)),
    "line": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
}


def both(hangar, made):
    """The session of the graph with an input a column, and of the one that is served."""
    return hangar.open(made), Session(hangar.ws.blobs.path(served_graph(hangar.ws, made)), made.columns)


@pytest.fixture
def numbers(hangar):
    hangar.made = hangar.package(
        GradientBoostingClassifier(n_estimators=20), NUMBERS,
        distance=hangar.distance, hour=hangar.hour, holiday=hangar.holiday,
    )  # fmt: skip
    return hangar


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("frame", ["pandas", "numpy"])
@pytest.mark.parametrize("name", MODELS)
def test_models_of_numbers_are_served_from_a_matrix(hangar, name, frame):
    made = hangar.package(
        MODELS[name](), NUMBERS, frame=frame, distance=hangar.distance, hour=hangar.hour, holiday=hangar.holiday
    )
    assert made.fused
    columns, matrix = both(hangar, made)
    assert np.array_equal(columns.predict(hangar.table), matrix.predict(hangar.table))
    rows = hangar.table.slice(0, 50).to_pylist()
    assert [columns.predict_row(row) for row in rows] == [matrix.predict_row(row) for row in rows]


def test_a_regression_with_nulls(hangar):
    made = hangar.package(
        HistGradientBoostingRegressor(max_iter=10), inputs_of(distance="float?", hour="int?"), task="regression",
        label=hangar.distance / 7, distance=hangar.with_nulls(hangar.distance), hour=hangar.with_nulls(hangar.hour),
    )  # fmt: skip
    columns, matrix = both(hangar, made)
    assert made.fused
    assert np.array_equal(columns.predict(hangar.table), matrix.predict(hangar.table))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    distance=st.floats(allow_nan=True) | st.none(), hour=st.integers(-(2**53), 2**53), holiday=st.booleans(),
)  # fmt: skip
def test_any_row_has_the_same_answer(numbers, distance, hour, holiday):
    row = {"distance": distance, "hour": hour, "holiday": holiday}
    columns, matrix = both(numbers, numbers.made)
    assert columns.predict_row(row) == matrix.predict_row(row)


@pytest.mark.parametrize("wrong", [{"hour": None}, {"hour": 2**70}, {"hour": "noon"}, {"distance": "far"}, {"gone": 1}])
def test_what_one_refuses_the_other_refuses(numbers, wrong):
    row = {"distance": 1.0, "hour": 3, "holiday": True, **wrong}
    if "gone" in wrong:
        del row["hour"]
    for session in both(numbers, numbers.made):
        with pytest.raises(BadInput, match="it takes distance"):
            session.predict_row(row)


def test_golden_rows_are_checked_through_the_served_graph(numbers):
    import io

    import pyarrow.parquet as pq

    _, matrix = both(numbers, numbers.made)
    matrix.check_golden(pq.read_table(io.BytesIO(numbers.ws.blobs.get(numbers.made.golden))))


def test_a_graph_that_is_not_here_is_replaced_by_the_other(numbers):
    numbers.ws.blobs.path(numbers.made.fused).unlink()
    assert served_graph(numbers.ws, numbers.made) == numbers.made.model


def test_texts_keep_an_input_a_column(hangar):
    made = hangar.package(
        boosted("origin"), inputs_of(origin="string", distance="float"), origin=hangar.origin, distance=hangar.distance
    )
    assert made.fused == ""


def graph(nodes, inputs=("a", "b"), kinds=(TensorProto.FLOAT, TensorProto.FLOAT)):
    given = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in zip(inputs, kinds, strict=True)]
    answer = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])]
    made = helper.make_graph(nodes, "g", given, answer)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


SUM = helper.make_node("Relu", ["m"], ["y"])


@pytest.mark.parametrize(
    "content",
    [
        graph([helper.make_node("Concat", ["b", "a"], ["m"], axis=1), SUM]),
        graph([helper.make_node("Concat", ["a", "b"], ["m"], axis=0), SUM]),
        graph([helper.make_node("Concat", ["a", "a"], ["m"], axis=1), SUM]),
        graph([helper.make_node("Concat", ["a", "b"], ["n"], axis=1), helper.make_node("Add", ["n", "a"], ["m"]), SUM]),
        graph([helper.make_node("Add", ["a", "b"], ["m"]), SUM]),
        graph([helper.make_node("Concat", ["a", "b"], ["m"], axis=1), SUM], kinds=[TensorProto.STRING] * 2),
        graph([helper.make_node("Concat", ["a", "b"], ["m"], axis=1), SUM], kinds=[TensorProto.INT64] * 2),
        graph([helper.make_node("Identity", ["a"], ["y"])], ("a",), (TensorProto.FLOAT,)),
    ],
    ids=["turned", "below", "twice", "used beside", "added", "texts", "whole numbers", "one"],
)
def test_a_graph_that_does_more_with_its_inputs_is_left_alone(content):
    assert fused(content) is None


def test_columns_side_by_side_become_one_input():
    content = fused(graph([helper.make_node("Concat", ["a", "b"], ["m"], axis=1), SUM]))
    (only,) = onnx.load_from_string(content).graph.input
    assert only.name == MATRIX
    onnx.checker.check_model(onnx.load_from_string(content))
