"""The two models of the serving benchmark, packaged and promoted in a workspace; and our data plane as a process.

    python serving_models.py make FOLDER     # workspaces FOLDER/trees and FOLDER/mlp, and FOLDER/*.onnx, *.joblib
    python serving_models.py serve FOLDER    # answer on a free port and print the URL
    python serving_models.py serve FOLDER standby   # the same by two processes, of which one stands ready

100 boosted trees and a small perceptron, on 20 features that come with the request.
"""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import noria.registry.tables
import noria.serving.tables  # noqa: F401
from noria.config.settings import settings_for
from noria.core.schema import Column
from noria.features.model import ColumnInput, InputSet
from noria.server.standby import keep_alive
from noria.serving.model import ServedModel
from noria.serving.running import run_data_plane
from noria.serving.sockets import listen
from noria.serving.turns import turn
from noria.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:  # a server has no use for these, and is to start fast
    import numpy as np
    import pandas as pd
    from sklearn.base import BaseEstimator

FEATURES = [f"f{number:02}" for number in range(20)]
INPUTS = InputSet(
    source="Ask",
    key="ask_id",
    asked_at="asked_at",
    request=(Column("ask_id", "string"), *(Column(name, "float") for name in FEATURES), Column("asked_at", "time")),
    views=(),
    inputs=tuple(ColumnInput(name, "float") for name in FEATURES),
)
MODELS = ("trees", "mlp")


def estimator(name: str, seed: int) -> BaseEstimator:
    """A model that is not fitted yet."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "trees":
        return GradientBoostingClassifier(n_estimators=100, max_depth=4, subsample=0.9, random_state=seed)
    return make_pipeline(StandardScaler(), MLPClassifier((32, 16), max_iter=60, random_state=seed))


def data() -> tuple[pd.DataFrame, np.ndarray]:
    """3,000 rows whose label depends on a few of the features."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(4)
    frame = pd.DataFrame(draw.normal(size=(3000, len(FEATURES))), columns=FEATURES)
    score = frame["f00"] * frame["f01"] + frame["f02"] ** 2 - frame["f03"] + draw.normal(0, 0.5, 3000)
    return frame, (score > 0.5).to_numpy().astype(int)


def workspace(root: Path) -> Workspace:
    """The workspace of a model."""
    return open_workspace(root, settings_for(root, {}, {}))


def make(folder: Path) -> None:
    """Train, package, register and promote each model; write its ONNX graph and itself for the rivals."""
    import joblib

    for name in MODELS:
        model = add_version(folder, name, 1)
        joblib.dump(model, folder / f"{name}.joblib")
        _matrix_graph(model, folder / f"{name}.onnx")


def add_version(folder: Path, name: str, seed: int) -> BaseEstimator:
    """Register another version in the workspace `folder/name`, and promote it when it is the first; gives the model."""
    import pyarrow as pa

    from noria.optimization.operations import package, save_package
    from noria.registry.model import Lineage
    from noria.registry.operations import promote, register
    from noria.validation.model import Evaluation, GateSheet

    frame, label = data()
    ws = workspace(folder / name)
    model = estimator(name, seed).fit(frame, label)
    made = package(
        ws, model=model, inputs=INPUTS, label="label", task="classification",
        table=pa.Table.from_pandas(frame, preserve_index=False), prediction=model.predict_proba(frame)[:, 1],
    )  # fmt: skip
    if made.format != "onnx":
        raise SystemExit(f"{name} is native: {made.why_native}")
    version = register(
        ws, model=name, package=made, package_digest=save_package(ws, made), profile=None,
        evaluation=Evaluation(len(frame), 0, 1, {}, {}), gates=GateSheet(()),
        lineage=Lineage("bench", {}, {}, {}, {}, {}, "", 1), stage="candidate", idempotency=f"bench-{seed}",
    )  # fmt: skip
    if version.number == 1:
        promote(ws, name, version.number, reason="benchmark")
    ws.close()
    return model


def _matrix_graph(model: object, path: Path) -> None:
    """The same model as one graph over a matrix (rows, 20), which is what a rival's user would write."""
    import numpy as np
    from skl2onnx import to_onnx

    graph = to_onnx(model, np.zeros((1, len(FEATURES)), dtype=np.float32), options={"zipmap": False})
    path.write_bytes(graph.SerializeToString())


def serve(folder: Path, listening: socket.socket | None = None) -> None:
    """Answer until a signal comes; on a socket that others hold too, when it is this process's turn."""
    ws = workspace(folder)
    with turn(ws.folder("serving")) if listening else nullcontext():
        run_data_plane(
            ws, {folder.name: ServedModel(INPUTS)}, {}, port=0, listening=listening,
            on_ready=lambda url: print(url, flush=True),
        )  # fmt: skip
    ws.close()


def serve_by_two(folder: Path) -> None:
    """Two processes, of which one answers, until a signal comes."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with listen("127.0.0.1", 0) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        command = [sys.executable, __file__, "serve", str(folder)]
        keep_alive(command, listening, stop, workers=1, standby=True)


def main() -> None:
    """See above."""
    folder, more = Path(sys.argv[2]), sys.argv[3:]
    if sys.argv[1] == "make":
        make(folder)
    elif more == ["standby"]:
        serve_by_two(folder)
    else:
        serve(folder, socket.socket(fileno=int(more[0])) if more else None)


if __name__ == "__main__":
    main()
