"""Training: the user's function, called with pinned seeds and threads, so that the same turn gives the same model."""

from __future__ import annotations

import linecache
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
from noria.training.distributions import distributions
from noria.training.frames import label_series, to_frame
from noria.training.model import CodeState, Environment, TooFewRows, TrainingFailed, TrainingSpec, Value

_PACKAGES = (
    "numpy",
    "pandas",
    "polars",
    "scikit-learn",
    "scipy",
    "xgboost",
    "lightgbm",
    "torch",
    "optuna",
    "skl2onnx",
    "noria",
)


def fit(spec: TrainingSpec, train: pa.Table, function: Callable[..., Any], values: Mapping[str, Value]) -> Any:
    """Call the training function on `train`; gives whatever it returns.

    Raises TrainingFailed with the line of the user's code that raised, or when what was returned cannot
    predict; TooFewRows when a classifier would see one class only.
    """
    labels = train["label"].to_numpy()
    classifies = spec.label.task == "classification"
    if classifies and len(np.unique(labels)) < 2:
        told = f"every training row has the label {labels[0]:g}" if len(labels) else "there is no training row"
        raise TooFewRows(told, hint="widen the split's training window")
    X = to_frame(train, input_columns(spec.inputs), spec.frame)
    y = label_series(train, spec.frame)
    seed_everything(spec.seed)
    with threadpool_limits(spec.threads):
        try:
            model = function(X, y, **values)
        except Exception as error:
            raise TrainingFailed(
                f"{spec.function} raised {type(error).__name__}: {error}{where(error)}",
                hint="call it in a test on a few rows: it is a plain function",
            ) from error
    lacking = [name for name in ("predict", *(["predict_proba"] * classifies)) if not hasattr(model, name)]
    if lacking:
        raise TrainingFailed(
            f"{spec.function} returned a {type(model).__name__}, which has no {lacking[0]}",
            hint="return the fitted model itself; for a label of true and false, one that tells chances",
        )
    return model


def predict(model: Any, X: Any, task: str) -> np.ndarray[Any, Any]:
    """What a native model answers: the chance of the positive class, or the value. float64, one a row.

    Raises TrainingFailed when the model raises, has more than two classes, or answers NaN or infinity.
    """
    with threadpool_limits(1):
        return ask(model, X, task)


def ask(model: Any, X: Any, task: str) -> np.ndarray[Any, Any]:
    """The same for a process that has limited its threads already: finding what to limit takes milliseconds."""
    classifies = task == "classification"
    try:
        answers = np.asarray(model.predict_proba(X) if classifies else model.predict(X), dtype=np.float64)
    except Exception as error:
        raise TrainingFailed(f"{type(model).__name__} raised {type(error).__name__}: {error}{where(error)}") from error
    if classifies:
        if answers.ndim != 2 or answers.shape[1] != 2:
            raise TrainingFailed(f"the model tells {answers.shape} chances; a label of true and false has two a row")
        answers = answers[:, 1]
    answers = np.ascontiguousarray(answers.reshape(-1))
    if len(answers) != len(X):
        raise TrainingFailed(f"the model gave {len(answers)} answers for {len(X)} rows")
    if bad := int(np.count_nonzero(~np.isfinite(answers))):
        raise TrainingFailed(
            f"the model answered NaN or infinity for {bad} of {len(answers)} rows",
            hint="put an imputer in front of it, or use an estimator that takes missing values",
        )
    return answers


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, and PyTorch when the project has imported it."""
    random.seed(seed)
    np.random.seed(seed)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)


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
    """The fingerprint of the training code, and the git commit it stands at, if any.

    Dirty means that a Python or TOML file below `root` differs from the commit or is not in it.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--", "*.py", "*.toml") if commit else None
    return CodeState(spec.fingerprint, commit, bool(changed))


def _git(root: Path, *arguments: str) -> str | None:
    try:
        ran = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.strip() if ran.returncode == 0 else None


def where(error: BaseException) -> str:
    """The deepest line of project code that an error passed through, as ` (flights.py line 12: fit(X))`, or nothing."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__", ""))
        if distributions(module.partition(".")[0]) is None:
            file = frame.f_code.co_filename
            text = linecache.getline(file, line).strip()
            return f" ({Path(file).name} line {line}{': ' + text if text else ''})"
    return ""
