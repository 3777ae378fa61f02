"""Models of XGBoost, LightGBM and PyTorch, trained elsewhere and served natively: answers as the models' own."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_airline import MODEL, flight

from noria.serving.workers.native_scorer import NativeScorer
from noria.testing import rivals

HERE = Path(__file__).parent


class Trainer:
    """The process that trained the model and still has it in memory."""

    def __init__(self, library: str, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / "train_native.py", library, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.kind = self._line()

    def answers(self, rows: list[dict]) -> list[float]:
        self._process.stdin.write(json.dumps(rows) + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def _line(self) -> str:
        return self._process.stdout.readline().strip()


@pytest.fixture(params=["xgboost", "lightgbm", "torch"])
def library(request, monkeypatch) -> str:
    """PyTorch is heavy, so it stays in the environment that has it for MLflow's sake; the path leads there last."""
    if request.param == "torch":
        (found,) = rivals.python("mlflow").parents[1].glob("lib/python*/site-packages")
        monkeypatch.setattr(sys, "path", [*sys.path, str(found)])
    return request.param


@pytest.fixture
def trainer(library, ws, tmp_path):
    one = Trainer(library, tmp_path)
    yield one
    one.close()


def test_trees_are_explained_exactly_wherever_they_grew(library, trainer, open_plane) -> None:
    call = open_plane()
    (answer,) = call.json("POST", "/predict?explain=true", flight(distance=900.0))["predictions"]
    told = answer["explanation"]
    exact = library != "torch"
    assert (told["method"], told["scale"]) == (("trees", "log-odds") if exact else ("permutation", "output"))
    made = 1 / (1 + math.exp(-told["total"])) if exact else told["total"]
    assert made == pytest.approx(answer["output"], abs=1e-5)
    assert abs(told["contributions"]["distance"]) > 1e-3


def test_they_answer_as_the_models_themselves(library, trainer, open_plane) -> None:
    call = open_plane()
    rows = [flight(n, distance=100.0 + 80 * n, departs=f"2026-11-01T{n % 24:02}:30:00") for n in range(30)]
    told = call.predict(*[{**row, "prediction_id": str(n)} for n, row in enumerate(rows)])
    features = [call.plane.log.find(str(n)).features for n in range(30)]
    direct = trainer.answers(features)
    np.testing.assert_allclose([one["output"] for one in told], direct, rtol=0, atol=1e-6)
    assert np.std(direct) > 0.01
    scorer = call.plane.board.lineup(MODEL).champion.scorer
    assert isinstance(scorer, NativeScorer)
    assert scorer.kind == trainer.kind
    assert library != "torch" or "torch" not in sys.modules

    os.kill(scorer.pid, signal.SIGKILL)
    (again,) = call.predict({**rows[7], "prediction_id": "again"})
    assert again["output"] == pytest.approx(direct[7], abs=1e-6)
    assert scorer.starts == 2
