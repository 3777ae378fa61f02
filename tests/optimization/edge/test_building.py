"""What goes into a bundle, what is left out and why, and what is no bundle at all."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hangar import Hangar, inputs_of
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from noria.core.digest import digest_bytes
from noria.optimization.edge.building import build
from noria.optimization.edge.golden import golden_json
from noria.optimization.edge.manifest import read_manifest
from noria.optimization.model import NotServable

ALWAYS = {
    "README.md", "golden.json", "golden.parquet", "manifest.json", "model.onnx", "model.ort",
    "required_operators.config",
}  # fmt: skip


def test_the_manifest_names_every_file_and_what_to_give(edge):
    files = edge.files("boosted-with-nulls")
    about = read_manifest(files["manifest.json"])
    assert files.keys() == {*ALWAYS, "model.plain.onnx"}
    listed = {name: (one.bytes, one.sha256) for name, one in about.files.items()}
    others = {name: content for name, content in files.items() if name != "manifest.json"}
    assert listed == {name: (len(content), digest_bytes(content)) for name, content in others.items()}
    assert (about.model, about.version, about.label, about.task) == ("boosted-with-nulls", 3, "late", "classification")
    assert about.digest == edge.package("boosted-with-nulls").digest
    assert [(one.column, one.kind, one.null, one.given_by, one.codes) for one in about.inputs] == [
        ("origin", "string", "", "request", True),
        ("distance", "float32", "NaN", "request", False),
        ("hour", "int64", None, "request", False),
    ]
    assert list(about.left_out) == ["model.int8.onnx"]
    assert "no matrix product" in about.left_out["model.int8.onnx"]
    operators = files["required_operators.config"].decode()
    assert "ai.onnx.ml;1;TreeEnsembleClassifier" in operators
    assert "/" not in operators, "it names no place of this machine"


def test_golden_rows_are_the_package_s_own_in_both_forms(edge):
    files = edge.files("boosted-with-nulls")
    table, document = pq.read_table(io.BytesIO(files["golden.parquet"])), json.loads(files["golden.json"])
    assert document["columns"] == ["origin", "distance", "hour"]
    assert document["rows"] == [list(row.values()) for row in table.drop(["prediction"]).to_pylist()]
    assert document["expected"] == table["prediction"].to_pylist()
    assert any(None in row for row in document["rows"]), "there are nulls among them"


def test_json_keeps_what_javascript_would_lose():
    table = pa.table({"a": [1.5, float("nan"), float("-inf"), None], "b": [2**53, 2**53 + 1, -(2**63), 0],
                      "p": [0.1, 0.2, 0.3, float("inf")]})  # fmt: skip
    document = json.loads(golden_json(table))
    assert document["rows"] == [[1.5, 2**53], ["NaN", str(2**53 + 1)], ["-Infinity", str(-(2**63))], [None, 0]]
    assert document["expected"][-1] == "Infinity"
    assert np.array([row[0] for row in document["rows"][:3]], object).astype(float).tolist()[2] == float("-inf")


def test_eight_bits_only_where_they_win(edge):
    package = edge.package("perceptron")
    about = read_manifest(build(edge.ws, package, "perceptron", 1)["manifest.json"])
    assert 1e-4 < about.graphs["model.int8.onnx"].largest_difference <= 0.01
    strict = build(edge.ws, package, "perceptron", 1, int8_within=1e-5)
    assert "model.int8.onnx" not in strict
    assert "may be by 1e-05" in read_manifest(strict["manifest.json"]).left_out["model.int8.onnx"]


def test_a_small_net_does_not_get_smaller(edge):
    hangar = Hangar(edge.ws)
    net = MLPClassifier((2,), max_iter=5, random_state=0)
    made = hangar.package(net, inputs_of(hour="int", holiday="bool"), hour=hangar.hour, holiday=hangar.holiday)
    files = build(edge.ws, made, "net", 1)
    left = read_manifest(files["manifest.json"]).left_out
    assert "bytes, and model.onnx has" in left["model.int8.onnx"]


def test_a_native_model_is_refused_with_the_reason(edge):
    hangar = Hangar(edge.ws)
    unknown = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression())
    made = hangar.package(unknown, inputs_of(hour="int"), hour=hangar.hour)
    assert made.format == "native"
    with pytest.raises(NotServable) as caught:
        build(edge.ws, made, "late", 2)
    assert "version 2 of 'late' is native" in str(caught.value)
    assert "converts to ONNX" in caught.value.hint
