"""The two models of the serving benchmark, packaged and promoted in a workspace; and our data plane as a process.

    python serving_models.py make FOLDER     # workspaces FOLDER/trees and FOLDER/mlp, and FOLDER/*.onnx, *.joblib
    python serving_models.py serve FOLDER    # answer on a free port and print the URL

100 boosted trees and a small perceptron, on 20 features that come with the request.
"""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import noria.registry.tables
import noria.serving.tables  # noqa: F401
from noria.config.settings import settings_for
from noria.core.schema import Column
from noria.features.model import ColumnInput, InputSet
from noria.optimization.operations import package, save_package
from noria.registry.model import Lineage
from noria.registry.operations import promote, register
from noria.serving.data_plane import run_data_plane
from noria.serving.model import ServedModel
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace, open_workspace

FEATURES = [f"f{number:02}" for number in range(20)]
INPUTS = InputSet(
    source="Ask",
    key="ask_id",
    asked_at="asked_at",
    request=(Column("ask_id", "string"), *(Column(name, "float") for name in FEATURES), Column("asked_at", "time")),
    views=(),
    inputs=tuple(ColumnInput(name, "float") for name in FEATURES),
)
MODELS = {
    "trees": lambda: GradientBoostingClassifier(n_estimators=100, max_depth=4, random_state=1),
    "mlp": lambda: make_pipeline(StandardScaler(), MLPClassifier((32, 16), max_iter=60, random_state=1)),
}


def data() -> tuple[pd.DataFrame, np.ndarray]:
    """3,000 rows whose label depends on a few of the features."""
    draw = np.random.default_rng(4)
    frame = pd.DataFrame(draw.normal(size=(3000, len(FEATURES))), columns=FEATURES)
    score = frame["f00"] * frame["f01"] + frame["f02"] ** 2 - frame["f03"] + draw.normal(0, 0.5, 3000)
    return frame, (score > 0.5).to_numpy().astype(int)


def _workspace(root: Path) -> Workspace:
    return open_workspace(root, settings_for(root, {}, {}))


def make(folder: Path) -> None:
    """Train, package, register and promote each model; write its ONNX graph and itself for the rivals."""
    frame, label = data()
    for name, estimator in MODELS.items():
        ws = _workspace(folder / name)
        model = estimator().fit(frame, label)
        made = package(
            ws, model=model, inputs=INPUTS, label="label", task="classification",
            table=pa.Table.from_pandas(frame, preserve_index=False), prediction=model.predict_proba(frame)[:, 1],
        )  # fmt: skip
        if made.format != "onnx":
            raise SystemExit(f"{name} is native: {made.why_native}")
        version = register(
            ws, model=name, package=made, package_digest=save_package(ws, made), profile=None,
            evaluation=Evaluation(len(frame), 0, 1, {}, {}), gates=GateSheet(()),
            lineage=Lineage("bench", {}, {}, {}, {}, {}, "", 1), stage="candidate", idempotency="bench",
        )  # fmt: skip
        promote(ws, name, version.number, reason="benchmark")
        ws.close()
        joblib.dump(model, folder / f"{name}.joblib")
        _matrix_graph(model, folder / f"{name}.onnx")


def _matrix_graph(model: object, path: Path) -> None:
    """The same model as one graph over a matrix (rows, 20), which is what a rival's user would write."""
    from skl2onnx import to_onnx

    graph = to_onnx(model, np.zeros((1, len(FEATURES)), dtype=np.float32), options={"zipmap": False})
    path.write_bytes(graph.SerializeToString())


def serve(folder: Path, grpc_port: str | None = None) -> None:
    """Answer until a signal comes; with a port also over grpcio's server."""
    ws = _workspace(folder)
    run_data_plane(
        ws, {folder.name: ServedModel(INPUTS)}, {}, port=0, grpc_port=int(grpc_port) if grpc_port else None,
        on_ready=lambda url: print(url, flush=True),
    )  # fmt: skip
    ws.close()


if __name__ == "__main__":
    {"make": make, "serve": serve}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
