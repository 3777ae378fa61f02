"""The user's function, called so that the same turn gives the same model; and told plainly where it failed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import TargetEncoder
from sklearn.svm import LinearSVC

from noria.features.model import input_columns
from noria.training.frames import to_frame
from noria.training.model import TooFewRows, TrainingFailed, TrainingSpec
from noria.training.operations import code_state, environment, fit, predict


def train(X: pd.DataFrame, y: pd.Series, *, max_iter: int) -> Pipeline:
    names = make_column_transformer((TargetEncoder(), ["carrier"]), remainder="passthrough")
    return make_pipeline(names, HistGradientBoostingClassifier(max_iter=max_iter, early_stopping=True)).fit(X, y)


def answers_digest(spec: TrainingSpec, rows: pa.Table) -> str:
    model = fit(spec, rows, train, {"max_iter": 20})
    X = to_frame(rows, input_columns(spec.inputs), spec.frame)
    return hashlib.sha256(predict(model, X, "classification").tobytes()).hexdigest()


def test_the_same_predictions_to_the_bit_in_another_process(spec: TrainingSpec, rows: pa.Table) -> None:
    here = answers_digest(spec, rows)
    assert answers_digest(spec, rows) == here
    assert answers_digest(replace(spec, seed=1), rows) != here
    program = (
        "import conftest, test_operations as tests;"
        "print(tests.answers_digest(conftest.spec.__wrapped__(), conftest.rows.__wrapped__()))"
    )
    folder = Path(__file__).parent
    paths = {"PYTHONPATH": f"{folder}:{folder.parents[1] / 'src'}"}
    for seed in ("1", "2"):
        environ = {**paths, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed}
        ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
        assert ran.stdout.strip() == here, ran.stderr


def test_a_model_learns_something(spec: TrainingSpec, rows: pa.Table) -> None:
    model = fit(spec, rows, train, {"max_iter": 20})
    chances = predict(model, to_frame(rows, input_columns(spec.inputs), "pandas"), "classification")
    label = rows["label"].to_numpy()
    assert chances[label == 1].mean() - chances[label == 0].mean() > 0.4


def helper(X: Any) -> Any:
    return X["no such column"]


def raises(X: Any, y: Any) -> Any:
    return helper(X)


def test_an_error_names_the_users_own_line(spec: TrainingSpec, rows: pa.Table) -> None:
    with pytest.raises(TrainingFailed, match=r"study:train raised KeyError.*test_operations.py line \d+: return X\["):
        fit(spec, rows, raises, {})
    with pytest.raises(TrainingFailed, match="unexpected keyword argument 'depth'"):
        fit(spec, rows, raises, {"depth": 3})


@pytest.mark.parametrize(("returned", "lacks"), [(None, "predict"), (0.7, "predict"), (LinearSVC(), "predict_proba")])
def test_what_cannot_predict_is_refused(spec: TrainingSpec, rows: pa.Table, returned: Any, lacks: str) -> None:
    with pytest.raises(TrainingFailed, match=f"has no {lacks}$|has no {lacks}\n"):
        fit(spec, rows, lambda X, y: returned, {})


def test_one_class_or_no_row_is_refused(spec: TrainingSpec, rows: pa.Table) -> None:
    alike = rows.set_column(rows.schema.get_field_index("label"), "label", pa.array(np.ones(len(rows))))
    with pytest.raises(TooFewRows, match="every training row has the label 1"):
        fit(spec, alike, train, {})
    with pytest.raises(TooFewRows, match="no training row"):
        fit(spec, rows.slice(0, 0), train, {})


class Answers:
    """A model that answers what it is told to."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers

    def predict_proba(self, X: Any) -> Any:
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


BAD_ANSWERS = [
    (np.array([[0.5, float("nan")]] * 3), "NaN or infinity for 3 of 3 rows"),
    (np.array([[0.2, 0.8]] * 2), "2 answers for 3 rows"),
    (np.array([[0.2, 0.3, 0.5]] * 3), r"tells \(3, 3\) chances"),
    (np.array([0.2, 0.3, 0.5]), r"tells \(3,\) chances"),
    ([["a", "b"]] * 3, "raised ValueError"),
    (RuntimeError("not fitted"), "raised RuntimeError: not fitted"),
]


@pytest.mark.parametrize(("answers", "told"), BAD_ANSWERS)
def test_answers_that_are_none_are_refused(answers: Any, told: str) -> None:
    with pytest.raises(TrainingFailed, match=told):
        predict(Answers(answers), np.zeros((3, 1)), "classification")


def test_a_regression_answers_one_float_a_row() -> None:
    model = LinearRegression().fit([[0.0], [1.0]], [[0.0], [2.0]])  # its answers are a column
    assert predict(model, np.array([[2.0], [3.0]]), "regression").tolist() == pytest.approx([4.0, 6.0])


def test_the_environment_names_packages_and_threads(spec: TrainingSpec) -> None:
    found = environment(spec)
    assert found.threads == 2
    assert {"numpy", "scikit-learn", "optuna"} <= set(found.packages)
    assert found.python == ".".join(map(str, sys.version_info[:3]))


def test_the_code_state_tells_commit_and_edited_code(spec: TrainingSpec, tmp_path: Path) -> None:
    state = replace(spec, fingerprint="f" * 64)
    assert code_state(tmp_path, state) == code_state(tmp_path / "absent", state)
    assert code_state(tmp_path, state).commit is None
    for command in (["init", "-q"], ["config", "user.email", "a@b.c"], ["config", "user.name", "a"]):
        git(tmp_path, *command)
    (tmp_path / "study.py").write_text("a = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "report.html").write_text("made, not written")
    clean = code_state(tmp_path, state)
    assert (clean.dirty, len(clean.commit or "")) == (False, 40)
    (tmp_path / "helper.py").write_text("b = 2\n")
    assert code_state(tmp_path, state) == replace(clean, dirty=True)


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)
