"""`noria export --edge`: the flights model of a real project as a bundle, checked, and its golden rows elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from flights_project import FlightsProject
from noria.testing.browser import Browser
from noria.testing.edge_programs import in_browser, in_node, in_openvino, in_python

MODEL = "lateness"
ALONE = """
import json, sys
import numpy as np, onnxruntime, pyarrow.parquet as pq
about = json.load(open("manifest.json"))
golden = pq.read_table("golden.parquet")
kinds = {"string": object, "float32": np.float32, "float64": np.float64, "int64": np.int64}
rows = {one["tensor"]: np.array([one["null"] if value is None else value
        for value in golden[one["column"]].to_pylist()], object).astype(kinds[one["kind"]]).reshape(-1, 1)
        for one in about["inputs"]}
(found,) = onnxruntime.InferenceSession("model.ort").run([about["output"]], rows)
assert np.abs(found[:, -1] - golden["prediction"].to_numpy()).max() < 1e-5
assert not any(name.startswith("noria") for name in sys.modules)
"""


def test_the_model_of_a_project_leaves_as_a_bundle(flights_that_ran: FlightsProject, tmp_path: Path) -> None:
    project, folder = flights_that_ran, tmp_path / "out" / "edge"
    made = project.noria("export", MODEL, "--edge", "--output", str(folder), "--zip")
    assert (made["manifest"]["model"], made["manifest"]["version"]) == (MODEL, 1)
    assert made["packed"] == f"{folder}.zip"
    given_by = {one["given_by"].split()[0] for one in made["manifest"]["inputs"]}
    assert {"request", "feature"} <= given_by
    assert list(made["manifest"]["left_out"]) == ["model.int8.onnx"], "it runs in OpenVINO too"
    subprocess.run([sys.executable, "-c", ALONE], cwd=folder, check=True)
    assert in_python(folder, "model.onnx") < 1e-5
    assert in_node(folder, "model.ort", tmp_path) < 1e-5
    assert in_openvino(folder) < 1e-5
    with Browser() as browser:
        assert in_browser(folder, "model.ort", tmp_path, browser) < 1e-5
    for place in (str(folder), f"{folder}.zip"):
        checked = project.noria("export", place, "--edge", "--check", "--digest", made["digest"])
        assert (checked["model"], checked["rows"]) == (MODEL, 64)
        assert max(checked["off"].values()) < 1e-5
    shown = project.shown("export", f"{MODEL}/1", "--edge", "--output", str(tmp_path / "again"))
    assert "no model.int8.onnx: the model has no matrix product" in shown
    assert "digest" in shown
    named = project.noria("export", f"{MODEL}@production", "--edge", "--output", str(tmp_path / "third"))
    assert named["manifest"]["digest"] == made["manifest"]["digest"]
    assert json.loads((folder / "manifest.json").read_text())["files"].keys() == made["manifest"]["files"].keys()


def test_what_cannot_be_exported_or_trusted_says_why(flights_that_ran: FlightsProject, tmp_path: Path) -> None:
    folder = tmp_path / "edge"
    flights_that_ran.noria("export", MODEL, "--edge", "--output", str(folder))
    with (folder / "model.ort").open("r+b") as file:
        file.write(b"x")
    for arguments, words in (
        ((MODEL, "--edge"), "--edge needs a folder to write"),
        ((MODEL, "--output", str(folder)), "go with --edge"),
        ((MODEL, "--edge", "--output", str(folder)), "[N4215]"),
        (("latenes", "--edge", "--output", str(tmp_path / "x")), "did you mean 'lateness'?"),
        ((f"{MODEL}/7", "--edge", "--output", str(tmp_path / "x")), "7"),
        ((str(folder), "--edge", "--check"), "model.ort was changed"),
        ((str(folder), "--edge", "--check", "--zip"), "--check writes nothing"),
        ((str(tmp_path / "none"), "--edge", "--check"), "there is no bundle"),
    ):
        process = flights_that_ran.start("export", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, errors = process.communicate()
        assert process.returncode == 1, arguments
        assert "Traceback" not in errors
        assert words in " ".join(errors.split()), errors
    assert {one.name for one in tmp_path.iterdir()} == {"edge", flights_that_ran.root.name}
