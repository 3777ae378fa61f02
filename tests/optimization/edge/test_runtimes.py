"""One bundle, four runtimes, the same golden rows: the programs of its own README say how far each is off."""

import subprocess

import pytest
from edge_models import MODELS

from noria.optimization.edge.building import TOLERANCE
from noria.optimization.edge.manifest import read_manifest
from noria.testing import rivals
from noria.testing.browser import Browser
from noria.testing.edge_programs import in_browser, in_node, in_openvino, in_python

GRAPHS = ("model.onnx", "model.ort")
OPENVINO = [name for name in MODELS if name != "line-in-doubles"]


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


@pytest.mark.parametrize("name", MODELS)
def test_the_manifest_says_what_runs_where(edge, name):
    about = read_manifest((edge.bundle(name) / "manifest.json").read_bytes())
    for runtime in ("onnxruntime", "onnxruntime-node", "onnxruntime-web"):
        assert about.runtimes[runtime][:2] == GRAPHS
    assert about.runtimes["openvino"] == (("model.plain.onnx",) if name in OPENVINO else ())


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_for_python(edge, name, graph):
    assert in_python(edge.bundle(name), graph) <= TOLERANCE


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_for_node(edge, tmp_path, name, graph):
    assert in_node(edge.bundle(name), graph, tmp_path) <= TOLERANCE


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_in_a_browser(edge, tmp_path, browser, name, graph):
    assert in_browser(edge.bundle(name), graph, tmp_path, browser) <= TOLERANCE


@pytest.mark.parametrize("name", OPENVINO)
def test_openvino(edge, name):
    assert in_openvino(edge.bundle(name)) <= TOLERANCE


def test_openvino_itself_does_not_know_trees(edge):
    """Why there is a graph in core operators at all: when it learns them, this says so."""
    bundle = edge.bundle("boosted")
    ask = "import openvino; openvino.Core().read_model('model.onnx')"
    done = subprocess.run([rivals.python("openvino"), "-c", ask], cwd=bundle, capture_output=True, text=True)
    assert done.returncode == 1
    assert "TreeEnsembleClassifier" in done.stderr


def test_openvino_computes_in_single_precision_and_the_manifest_knows(edge):
    """It takes the graph without a word and answers otherwise, so the bundle does not offer it."""
    bundle = edge.bundle("line-in-doubles")
    about = read_manifest((bundle / "manifest.json").read_bytes())
    assert about.unable == {"openvino": "the model needs double precision, and OpenVINO computes in single"}
    assert f"Not able: {about.unable['openvino']}." in (bundle / "README.md").read_text()
    (there,) = (one.tensor for one in about.inputs)
    ask = f"""
import json, numpy as np, openvino
rows = np.array(json.load(open("golden.json"))["rows"], float).reshape(-1, 1)
wanted = json.load(open("golden.json"))["expected"]
found = openvino.compile_model("model.plain.onnx", "CPU")({{{there!r}: rows}})[0]
print(np.abs(found[:, -1] - wanted).max())
"""
    done = subprocess.run(
        [rivals.python("openvino"), "-c", ask], cwd=bundle, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > TOLERANCE


def test_eight_bits_answer_in_each_runtime_that_takes_them(edge, tmp_path, browser):
    bundle = edge.bundle("perceptron")
    about = read_manifest((bundle / "manifest.json").read_bytes())
    assert "model.int8.onnx" in about.graphs
    assert about.files["model.int8.onnx"].bytes < about.files["model.onnx"].bytes / 2
    for off in (
        in_python(bundle, "model.int8.onnx"),
        in_node(bundle, "model.int8.onnx", tmp_path),
        in_browser(bundle, "model.int8.onnx", tmp_path, browser),
    ):
        assert off <= 0.01
