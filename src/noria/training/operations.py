"""Training: the user's function, called with pinned seeds and threads, so that the same turn gives the same model."""

from __future__ import annotations

import platform
import random
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from noria.features.model import input_columns
from noria.training.frames import label_series, to_frame
from noria.training.model import CodeState, Environment, TooFewRows, TrainingFailed, TrainingSpec, Value

_PACKAGES = ("numpy", "pandas", "polars", "scikit-learn", "scipy", "xgboost", "lightgbm", "torch", "skl2onnx", "noria")


def fit(spec: TrainingSpec, train: pa.Table, function: Callable[..., Any], values: Mapping[str, Value]) -> Any:
    """Call the training function on `train`; gives whatever it returns.

    Raises TrainingFailed with the line of the user's code that raised, or when what was returned cannot
    predict; TooFewRows when a classifier would see one class only.
    """
    labels = train["label"].to_numpy()
    if spec.label.task == "classification" and len(np.unique(labels)) < 2:
        raise TooFewRows(f"every training row has the label {labels[0]:g}", hint="widen the split's training window")
    X = to_frame(train, input_columns(spec.inputs), spec.frame)
    y = label_series(train, spec.frame)
    seed_everything(spec.seed)
    with threadpool_limits(spec.threads):
        try:
            model = function(X, y, **values)
        except Exception as error:
            raise TrainingFailed(
                f"{spec.function} raised {type(error).__name__}: {error}{_where(error, function)}",
                hint="call it in a test on a few rows: it is a plain function",
            ) from error
    if not hasattr(model, "predict"):
        raise TrainingFailed(
            f"{spec.function} returned a {type(model).__name__}, which cannot predict",
            hint="return the fitted model, not its score or its data",
        )
    return model


def predict(model: Any, X: Any, task: str) -> np.ndarray[Any, Any]:
    """What a native model answers: the chance of the positive class, or the value. float64, one a row.

    Raises TrainingFailed when a classifier has no `predict_proba`, or more than two classes.
    """
    with threadpool_limits(1):
        if task == "regression":
            return np.asarray(model.predict(X), dtype=np.float64).reshape(-1)
        if not hasattr(model, "predict_proba"):
            raise TrainingFailed(
                f"{type(model).__name__} has no predict_proba", hint="use a classifier that has chances"
            )
        chances = np.asarray(model.predict_proba(X), dtype=np.float64)
    if chances.ndim != 2 or chances.shape[1] != 2:
        raise TrainingFailed(f"the model tells {chances.shape} chances; a label of true and false has two")
    return chances[:, 1]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, and PyTorch when the project has imported it."""
    random.seed(seed)
    np.random.seed(seed)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)


def environment(spec: TrainingSpec) -> Environment:
    """The interpreter, platform, threads and package versions that a training runs with."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    system = f"{platform.system()}-{platform.machine()}"
    return Environment(platform.python_version(), system, spec.threads, packages)


def code_state(root: Path, spec: TrainingSpec) -> CodeState:
    """The fingerprint of the training code, and the git commit it stands at, if any."""
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain") if commit else None
    return CodeState(spec.fingerprint, commit, bool(changed))


def _git(root: Path, *arguments: str) -> str | None:
    try:
        ran = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.strip() if ran.returncode == 0 else None


def _where(error: BaseException, function: Callable[..., Any]) -> str:
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" ({Path(frames[-1].filename).name} line {frames[-1].lineno})" if frames else ""
