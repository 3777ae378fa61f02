"""A package answers like the model it was made of, or it stays native and says why."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from noria.core.schema import Column
from noria.features.model import ColumnInput, InputColumn, InputSet, input_columns
from noria.optimization import native
from noria.optimization import operations as packaging
from noria.optimization.convert import to_onnx
from noria.optimization.model import GoldenMismatch
from noria.optimization.session import Session
from noria.testing.workspace import make_workspace
from noria.training.frames import to_frame
from noria.training.operations import predict

ROWS = 2_000


@pytest.fixture
def ws(tmp_path):
    return make_workspace(tmp_path)


@pytest.fixture
def inputs() -> InputSet:
    request = (Column("id", "string"), Column("at", "time"), Column("carrier", "string"), Column("miles", "float"))
    seen = (ColumnInput("carrier", "string"), ColumnInput("miles", "float", nullable=True))
    return InputSet("Flight", "id", "at", request, (), seen)


@pytest.fixture
def rows() -> pa.Table:
    random = np.random.default_rng(3)
    carrier = random.choice(np.array(["AA", "B6", "UA", "WN", "DL", "EV", "MQ"]), ROWS)
    miles = random.uniform(0, 100, ROWS).astype(np.float32).astype(np.float64)
    late = miles + 40 * np.isin(carrier, ["B6", "EV", "MQ"]) + random.normal(0, 15, ROWS) > 75
    known = pa.array(miles, mask=random.random(ROWS) < 0.1)
    return pa.table({"carrier": carrier, "miles": known, "label": late.astype(float)})


def boosted(names, **options):
    encoded = make_column_transformer((names, ["carrier"]), remainder="passthrough")
    return make_pipeline(encoded, HistGradientBoostingClassifier(max_iter=20, random_state=0, **options))


def pack(ws, model, inputs, rows, task="classification"):
    X = to_frame(rows, input_columns(inputs), "pandas")
    model.fit(X, rows["label"].to_numpy())
    expected = predict(model, X, task)
    made = packaging.package(ws, model=model, inputs=inputs, label="late", task=task, table=rows, prediction=expected)
    return made, expected


def opened(ws, made) -> Session:
    return Session(ws.blobs.path(made.model), made.columns)


@pytest.mark.parametrize("encoder", [TargetEncoder(), OneHotEncoder(handle_unknown="ignore", sparse_output=False)])
def test_trees_with_their_preprocessing_become_one_graph_that_answers_alike(ws, inputs, rows, encoder) -> None:
    made, expected = pack(ws, boosted(encoder), inputs, rows)
    assert (made.format, made.why_native) == ("onnx", "")
    assert made.equality.rows == rows.num_rows
    assert made.equality.largest <= 1e-5
    answers = opened(ws, made).predict(rows)
    assert np.allclose(answers, expected, atol=1e-5)
    assert packaging.load_package(ws, packaging.save_package(ws, made)) == made


def test_one_row_is_answered_as_among_many(ws, inputs, rows) -> None:
    made, _ = pack(ws, boosted(TargetEncoder()), inputs, rows)
    session = opened(ws, made)
    many = session.predict(rows)
    for number in (0, 1, 77, 1_999):
        row = {name: rows[name][number].as_py() for name in ("carrier", "miles")}
        assert session.predict_row(row) == pytest.approx(many[number], abs=1e-7)


def test_nulls_and_carriers_never_seen_are_answered_like_the_model_does(ws, inputs, rows) -> None:
    made, _ = pack(ws, model := boosted(TargetEncoder()), inputs, rows)
    strange = pa.table({"carrier": ["ZZ", "AA", "ZZ", ""], "miles": pa.array([10.0, None, None, 50.0])})
    expected = predict(model, to_frame(strange, input_columns(inputs), "pandas"), "classification")
    assert opened(ws, made).predict(strange) == pytest.approx(expected, abs=1e-5)


def test_native_categorical_splits_would_convert_wrongly_so_the_model_stays_native(ws, inputs, rows) -> None:
    """The converter writes a category's split as a threshold: the comparison on every test row notices."""
    model = boosted(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), categorical_features=[0])
    made, expected = pack(ws, model, inputs, rows)
    assert made.format == "native"
    assert made.why_native
    loaded = native.load(ws, made.model)
    X = to_frame(rows, input_columns(inputs), "pandas")
    assert np.array_equal(predict(loaded, X, "classification"), expected)


class Guess(ClassifierMixin, BaseEstimator):
    """A classifier no converter has heard of."""

    def fit(self, X, y):
        self.classes_ = np.array([0.0, 1.0])
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def predict_proba(self, X):
        return np.tile([0.7, 0.3], (len(X), 1))


def test_a_model_without_a_converter_stays_native_and_says_so(ws, inputs, rows) -> None:
    made, _ = pack(ws, Guess(), inputs, rows)
    assert made.format == "native"
    assert "skl2onnx cannot convert it" in made.why_native


def test_a_regression_answers_values(ws, inputs, rows) -> None:
    encoded = make_column_transformer((TargetEncoder(), ["carrier"]), remainder="passthrough")
    model = make_pipeline(encoded, HistGradientBoostingRegressor(max_iter=20, random_state=0))
    made, expected = pack(ws, model, inputs, rows, task="regression")
    assert made.format == "onnx", made.why_native
    assert np.allclose(opened(ws, made).predict(rows), expected, atol=1e-4)


def test_golden_rows_come_out_as_recorded(ws, inputs, rows) -> None:
    made, _ = pack(ws, boosted(TargetEncoder()), inputs, rows)
    golden = pq.read_table(ws.blobs.path(made.golden))
    assert golden.num_rows == 64
    opened(ws, made).check_golden(golden)


def test_another_graph_under_the_same_golden_rows_is_found_out(ws, inputs, rows) -> None:
    made, _ = pack(ws, boosted(TargetEncoder()), inputs, rows)
    other, _ = pack(ws, boosted(TargetEncoder(), learning_rate=0.5), inputs, rows)
    with pytest.raises(GoldenMismatch, match="off by"):
        opened(ws, other).check_golden(pq.read_table(ws.blobs.path(made.golden)))


def test_a_prediction_that_is_no_number_is_never_equal() -> None:
    found = packaging.compare(np.array([0.5, np.nan, 0.2]), np.array([0.5, 0.5, 0.2]))
    assert (found.equal, found.beyond) == (False, 1)


CONVERT = """
import hashlib, json, sys
from pathlib import Path
import joblib
from noria.features.model import InputColumn
from noria.optimization.convert import to_onnx
columns = (InputColumn("carrier", "string", None, False), InputColumn("miles", "float"))
print(hashlib.sha256(to_onnx(joblib.load(sys.argv[1]), columns)).hexdigest())
"""


def test_the_same_model_gives_the_same_graph_in_every_process(tmp_path, inputs, rows) -> None:
    """Also when the sets of the converter are walked in another order."""
    import joblib

    model = boosted(TargetEncoder())
    model.fit(to_frame(rows, input_columns(inputs), "pandas"), rows["label"].to_numpy())
    joblib.dump(model, file := tmp_path / "model")
    path = str(Path(packaging.__file__).parents[2])
    digests = {
        subprocess.run(
            [sys.executable, "-c", CONVERT, str(file)], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (0, 1)
    }  # fmt: skip
    assert len(digests) == 1


def test_missing_truth_values_are_answered(ws, rows) -> None:
    """A null is NaN for every kind of number, truth values included."""
    columns = (InputColumn("late_before", "bool"), InputColumn("stops", "int"))
    table = pa.table({"late_before": pa.array([True, False, None] * 100), "stops": pa.array([1, None, 3] * 100)})
    X = to_frame(table, columns, "pandas")
    trees = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5)
    model = make_pipeline(make_column_transformer(("passthrough", ["late_before", "stops"])), trees)
    model.fit(X, [1, 0, 1] * 100)
    graph = ws.blobs.put(to_onnx(model, columns))
    answers = Session(ws.blobs.path(graph), columns).predict(table)
    assert answers == pytest.approx(model.predict_proba(X)[:, 1], abs=1e-5)


def test_a_line_is_a_graph_too(ws, inputs, rows) -> None:
    numbers = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["carrier"]))
    made, _ = pack(ws, make_pipeline(numbers, LogisticRegression()), inputs, rows)
    assert made.format == "onnx", made.why_native


def test_a_forest_that_splits_on_what_is_missing_stays_native_at_once(ws):
    random = np.random.default_rng(0)
    miles = pa.array(random.random(500), mask=random.random(500) < 0.2)
    rows = pa.table({"miles": miles, "label": random.random(500)})
    request = (Column("id", "string"), Column("at", "time"), Column("miles", "float"))
    inputs = InputSet("Flight", "id", "at", request, (), (ColumnInput("miles", "float", nullable=True),))
    made, _ = pack(ws, RandomForestRegressor(10, random_state=0), inputs, rows, "regression")
    assert made.format == "native"
    assert "missing" in made.why_native
