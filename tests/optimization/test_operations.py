"""A model becomes one graph that answers alike, or stays native and says why."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hangar import boosted, inputs_of
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from noria.core.errors import BadInput
from noria.features.model import input_columns
from noria.optimization import operations
from noria.training.frames import to_frame
from noria.training.operations import predict

ORIGIN_AND_DISTANCE = inputs_of(origin="string", distance="float")


class Guess:
    """Any object that predicts: nothing skl2onnx has heard of."""

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.tile([0.4, 0.6], (len(X), 1))


class TestOneGraph:
    def test_the_example_becomes_a_graph_that_answers_alike_on_every_row(self, hangar):
        made = hangar.package(boosted("origin"), ORIGIN_AND_DISTANCE, origin=hangar.origin, distance=hangar.distance)
        assert (made.format, made.why_native) == ("onnx", "")
        assert made.equality.equal
        assert (made.equality.rows, made.equality.beyond) == (600, 0)
        assert made.bytes == hangar.ws.blobs.path(made.model).stat().st_size
        assert hangar.open(made).predict(hangar.table) == pytest.approx(hangar.expected, abs=1e-5)

    @pytest.mark.parametrize("frame", ["pandas", "numpy"])
    def test_a_model_fitted_on_nothing_but_numbers(self, hangar, frame):
        made = hangar.package(
            HistGradientBoostingClassifier(max_iter=15), inputs_of(distance="float?", hour="int", holiday="bool"),
            frame=frame, distance=hangar.with_nulls(hangar.distance), hour=hangar.hour, holiday=hangar.holiday,
        )  # fmt: skip
        assert (made.format, made.why_native) == ("onnx", "")

    @pytest.mark.parametrize("kind", ["float?", "int?", "bool?"])
    def test_numbers_that_may_be_null(self, hangar, kind):
        values = {"float?": hangar.distance, "int?": hangar.hour, "bool?": hangar.holiday}[kind]
        inputs = inputs_of(origin="string", number=kind)
        made = hangar.package(boosted("origin"), inputs, origin=hangar.origin, number=hangar.with_nulls(values))
        assert (made.format, made.why_native) == ("onnx", "")
        (row,) = hangar.table.slice(hangar.table["number"].to_pylist().index(None), 1).to_pylist()
        assert 0 < hangar.open(made).predict_row(row) < 1

    @pytest.mark.parametrize("encoder", ["target", "one-hot"])
    def test_texts_that_may_be_null(self, hangar, encoder):
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        encode = make_column_transformer((one_hot, ["origin"]), remainder="passthrough")
        model = boosted("origin") if encoder == "target" else make_pipeline(encode, LogisticRegression(max_iter=1_000))
        made = hangar.package(
            model, inputs_of(origin="string?", hour="int"), origin=hangar.with_nulls(hangar.origin), hour=hangar.hour
        )
        assert (made.format, made.why_native) == ("onnx", "")
        session = hangar.open(made)
        assert session.predict_row({"origin": None, "hour": 8}) == session.predict_row({"origin": "", "hour": 8})

    def test_a_linear_model_on_large_numbers_is_given_double_precision(self, hangar):
        seconds = 1.7e9 + hangar.distance
        model = make_pipeline(make_column_transformer((StandardScaler(), ["seconds"])), LogisticRegression())
        made = hangar.package(model, inputs_of(seconds="float"), seconds=seconds)
        assert made.format == "onnx"
        assert made.equality.largest < 1e-9

    def test_imputers_scalers_and_columns_that_are_not_used(self, hangar):
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        model = make_pipeline(make_column_transformer((numbers, ["distance"])), LogisticRegression())
        made = hangar.package(
            model, inputs_of(distance="float?", origin="string", hour="int"),
            distance=hangar.with_nulls(hangar.distance), origin=hangar.origin, hour=hangar.hour,
        )  # fmt: skip
        assert (made.format, made.why_native) == ("onnx", "")

    def test_names_that_a_graph_cannot_have_and_names_that_become_one(self, hangar):
        encode = make_column_transformer((StandardScaler(), ["Airport.delay"]), remainder="passthrough")
        names = {"Airport.delay": "float", "Airport_delay": "float", "größe": "float"}
        columns = dict(zip(names, (hangar.distance, hangar.hour * 1.0, -hangar.distance), strict=True))
        made = hangar.package(make_pipeline(encode, LogisticRegression()), inputs_of(**names), **columns)
        assert (made.format, made.why_native) == ("onnx", "")

    def test_a_regression_is_compared_by_the_size_of_its_answers(self, hangar):
        for scale in (1e6, 1e-6):
            label = (hangar.distance + hangar.hour * 100) * scale
            made = hangar.package(
                HistGradientBoostingRegressor(max_iter=15), inputs_of(distance="float", hour="int"),
                task="regression", label=label, distance=hangar.distance, hour=hangar.hour,
            )  # fmt: skip
            assert (made.format, made.task) == ("onnx", "regression")
            golden = pq.read_table(io.BytesIO(hangar.ws.blobs.get(made.golden)))
            hangar.open(made).check_golden(golden)

    def test_a_ridge_on_large_answers(self, hangar):
        made = hangar.package(
            Ridge(), inputs_of(distance="float"), task="regression", label=hangar.distance * 3e5 + 1e9,
            distance=hangar.distance,
        )  # fmt: skip
        assert made.format == "onnx"


class TestStaysNative:
    def test_native_categorical_splits_convert_without_an_error_and_wrongly(self, hangar):
        """The trap: only the comparison sees it."""
        ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        encode = make_column_transformer((ordinal, ["origin"]), remainder="passthrough")
        booster = HistGradientBoostingClassifier(max_iter=15, categorical_features=[0])
        made = hangar.package(
            make_pipeline(encode, booster), ORIGIN_AND_DISTANCE, origin=hangar.origin, distance=hangar.distance
        )
        assert made.format == "native"
        assert made.equality.beyond > 100
        assert f"answers otherwise on {made.equality.beyond} of 600 test rows" in made.why_native

    def test_an_object_of_ones_own(self, hangar):
        made = hangar.package(Guess(), ORIGIN_AND_DISTANCE, origin=hangar.origin, distance=hangar.distance)
        assert (made.format, made.equality) == ("native", None)
        assert "skl2onnx cannot convert it" in made.why_native
        assert "Guess" in made.why_native

    def test_times_are_told_by_name(self, hangar):
        encode = make_column_transformer((StandardScaler(), ["distance"]))
        made = hangar.package(
            make_pipeline(encode, LogisticRegression()), inputs_of(distance="float", departs="time"),
            distance=hangar.distance, departs=hangar.hour * 3_600_000_000,
        )  # fmt: skip
        assert made.format == "native"
        assert "departs is a time" in made.why_native

    def test_no_test_rows_prove_nothing(self, hangar):
        model = boosted("origin")
        hangar.package(model, ORIGIN_AND_DISTANCE, origin=hangar.origin, distance=hangar.distance)
        made = operations.package(
            hangar.ws, model=model, inputs=ORIGIN_AND_DISTANCE, label="late", task="classification",
            table=hangar.table.slice(0, 0), prediction=np.array([]),
        )  # fmt: skip
        assert (made.format, made.why_native) == ("native", "there are no test rows to compare its ONNX graph on")

    def test_a_null_that_no_test_row_had_is_tried_too(self, hangar):
        """Trained with nulls, tested without: equal on every row, and still not alike."""
        ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        encode = make_column_transformer((ordinal, ["origin"]), remainder="passthrough")
        model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=15))
        inputs = inputs_of(origin="string?", hour="int")
        hangar.package(model, inputs, origin=hangar.with_nulls(hangar.origin), hour=hangar.hour)
        known = hangar.table.filter(pc.is_valid(hangar.table["origin"]))

        def answer(rows):
            return predict(model, to_frame(rows, input_columns(inputs), "pandas"), "classification")

        def package(ask):
            return operations.package(
                hangar.ws, model=model, inputs=inputs, label="late", task="classification", table=known,
                prediction=answer(known), answer=answer if ask else None,
            )  # fmt: skip

        assert package(ask=False).format == "onnx"
        assert package(ask=True).format == "native"
        assert package(ask=True).why_native == "its ONNX graph answers otherwise when origin is null"

    def test_a_model_that_refuses_unseen_texts_itself_is_not_held_against_its_graph(self, hangar):
        encode = make_column_transformer((OneHotEncoder(sparse_output=False), ["origin"]), remainder="passthrough")
        made = hangar.package(
            make_pipeline(encode, RandomForestClassifier(5, random_state=0)), ORIGIN_AND_DISTANCE,
            origin=hangar.origin, distance=hangar.distance,
        )  # fmt: skip
        assert (made.format, made.why_native) == ("onnx", "")


class TestRefused:
    def test_three_classes(self, hangar):
        model = LogisticRegression().fit(hangar.distance[:, None], hangar.hour % 3)
        with pytest.raises(BadInput, match="tells 3 classes apart"):
            operations.package(
                hangar.ws, model=model, inputs=inputs_of(distance="float"), label="late", task="classification",
                table=pa.table({"distance": hangar.distance}), prediction=hangar.label,
            )  # fmt: skip

    def test_rows_and_answers_that_differ_in_number(self, hangar):
        with pytest.raises(BadInput, match="600 rows and 3 answers"):
            operations.package(
                hangar.ws, model=Guess(), inputs=inputs_of(distance="float"), label="late", task="classification",
                table=pa.table({"distance": hangar.distance}), prediction=np.zeros(3),
            )  # fmt: skip


class TestCompare:
    def test_an_answer_that_is_no_number_is_beyond_any_tolerance(self):
        found = operations.compare(np.array([0.5, np.nan, 0.5]), np.array([0.5, 0.5, np.inf]))
        assert (found.beyond, found.largest, found.equal) == (2, 0.0, False)

    def test_chances_are_compared_as_they_are_and_values_by_their_size(self):
        assert not operations.compare(np.array([1e-4]), np.array([0.0])).equal
        large = np.array([1e9, 2e9])
        assert operations.compare(large + 100, large, "regression").equal
        assert not operations.compare(large * 1e-15 + 1e-9, large * 1e-15, "regression").equal


class TestKept:
    def test_a_package_is_read_back_as_it_was(self, hangar):
        made = hangar.package(boosted("origin"), ORIGIN_AND_DISTANCE, origin=hangar.origin, distance=hangar.distance)
        assert operations.load_package(hangar.ws, operations.save_package(hangar.ws, made)) == made

    def test_golden_rows_are_sixty_four_of_the_test_rows_with_the_models_answers(self, hangar):
        made = hangar.package(
            HistGradientBoostingClassifier(max_iter=5), inputs_of(prediction="float"), prediction=hangar.distance
        )
        golden = pq.read_table(io.BytesIO(hangar.ws.blobs.get(made.golden)))
        assert (golden.num_rows, golden.column_names) == (64, ["prediction", "prediction_"])
        hangar.open(made).check_golden(golden)

    def test_the_same_model_has_the_same_digests_again_and_in_another_process(self, tmp_path):
        script = (
            "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
            "from hangar import Hangar, boosted, inputs_of\n"
            "from noria.testing.workspace import make_workspace\n"
            "hangar = Hangar(make_workspace(pathlib.Path(sys.argv[2])))\n"
            "made = hangar.package(boosted('origin', random_state=0), inputs_of(origin='string', distance='float'),\n"
            "                      origin=hangar.origin, distance=hangar.distance)\n"
            "print(made.digest, made.model, made.golden)\n"
        )
        told = set()
        for seed in ("1", "2"):
            place = str(tmp_path / seed)
            command = [sys.executable, "-W", "ignore", "-c", script, str(Path(__file__).parent), place]
            environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=True)
            told.add(done.stdout)
        assert len(told) == 1
        assert len(told.pop().split()) == 3
