"""Explanations beside those of the shap library: exact for trees, near for what is sampled."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pyarrow as pa
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from noria.features.model import InputColumn
from noria.optimization.convert import conversions
from noria.optimization.explaining.boosters import read_boosted
from noria.optimization.explaining.ensembles import Ensemble
from noria.optimization.explaining.explainer import Explainer, Trees, graph_trees
from noria.optimization.explaining.model import Explanation
from noria.optimization.session import Session
from noria.testing import rivals

NAMES = ("a", "b", "c", "d", "e")
COLUMNS = tuple(InputColumn(name, "float") for name in NAMES)
GOLDEN, ASKED = 64, 40
EXACT = {
    "forest of chances": RandomForestClassifier(n_estimators=30, max_depth=7, random_state=0),
    "forest": RandomForestRegressor(n_estimators=30, max_depth=7, random_state=0),
    "extra trees": ExtraTreesRegressor(n_estimators=20, max_depth=8, random_state=0),
    "boosted chances": GradientBoostingClassifier(n_estimators=40, random_state=0),
    "boosted": GradientBoostingRegressor(n_estimators=40, random_state=0),
    "histogram chances": HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, random_state=0),
    "histogram": HistGradientBoostingRegressor(max_iter=40, max_leaf_nodes=15, random_state=0),
    "tree": DecisionTreeClassifier(max_depth=9, random_state=0),
}
NEAR = {
    "XGBoost": XGBClassifier(n_estimators=30, max_depth=4, random_state=0, n_jobs=1),
    "LightGBM": LGBMClassifier(n_estimators=30, num_leaves=15, random_state=0, n_jobs=1, verbose=-1),
}


class Beside(NamedTuple):
    """A fitted model, and shap's base value and values (rows, columns)."""

    model: Any
    base: float
    values: np.ndarray


def matrix(rows: int, seed: int) -> np.ndarray:
    """Numbers that single precision holds, so that graph and estimator see the same."""
    return np.random.default_rng(seed).normal(size=(rows, len(NAMES))).astype(np.float32).astype(np.float64)


def fitted(model: Any) -> Any:
    data = matrix(1500, 1)
    wanted = data[:, 0] * (data[:, 1] > 0) + np.sin(2 * data[:, 2]) - 0.5 * data[:, 3] * data[:, 0]
    return model.fit(data, wanted > 0.1 if hasattr(model, "predict_proba") else wanted)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Beside]:
    """Every model with what shap says of it."""
    folder = tmp_path_factory.mktemp("shap")
    models = {name: fitted(model) for name, model in {**EXACT, **NEAR}.items()}
    asked = {name: (model, "raw") for name, model in models.items()}
    asked |= {f"{name} sampled": (models[name], "probability") for name in NEAR}
    joblib.dump(list(asked.values()), folder / "models")
    np.save(folder / "background.npy", matrix(GOLDEN, 2))
    np.save(folder / "rows.npy", matrix(ASKED, 3))
    script = Path(__file__).with_name("tree_explainer.py")
    command = [rivals.python("shap"), script, "models", "background.npy", "rows.npy"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": ""})
    assert said.returncode == 0, said.stderr
    found = [json.loads(line) for line in said.stdout.splitlines()[-len(asked) :]]
    return {
        name: Beside(model, one["base"], np.array(one["values"]))
        for (name, (model, _)), one in zip(asked.items(), found, strict=True)
    }


def told(explainer: Explainer) -> list[Explanation]:
    return [explainer.explain(dict(zip(NAMES, row, strict=True))) for row in matrix(ASKED, 3).tolist()]


def golden() -> pa.Table:
    return pa.table(dict(zip(NAMES, matrix(GOLDEN, 2).T, strict=True)))


def shares(explanations: list[Explanation]) -> np.ndarray:
    return np.array([[one.contributions[name] for name in NAMES] for one in explanations])


@pytest.mark.parametrize("name", EXACT)
def test_trees_are_explained_as_shap_does(tmp_path: Path, beside: dict[str, Beside], name: str) -> None:
    model, base, values = beside[name]
    content = list(conversions(model, COLUMNS))[2]()
    (tmp_path / "graph.onnx").write_bytes(content)
    session = Session(tmp_path / "graph.onnx", COLUMNS)
    ours = told(Explainer(session.predict, COLUMNS, golden, lambda: graph_trees(content, session)))
    assert {one.method for one in ours} == {"trees"}
    assert max(abs(one.base - base) for one in ours) < 1e-6
    assert np.abs(shares(ours) - values).max() < 1e-6
    assert np.std(values) > 0.01
    answers = session.predict(dict(zip(NAMES, matrix(ASKED, 3).T.tolist(), strict=True)))
    for one, answer in zip(ours, answers, strict=True):
        assert one.total == pytest.approx(one.base + sum(one.contributions.values()), abs=1e-9)
        made = 1 / (1 + np.exp(-one.total)) if one.scale == "log-odds" else one.total
        assert made == pytest.approx(answer, abs=1e-5)


def chances(model: Any, values: Any) -> np.ndarray:
    return model.predict_proba(np.column_stack([values[one] for one in NAMES]))[:, 1].astype(np.float64)


@pytest.mark.parametrize("name", NEAR)
def test_native_trees_are_explained_as_shap_does(beside: dict[str, Beside], name: str) -> None:
    model, base, values = beside[name]
    predict, boosted = partial(chances, model), read_boosted(model)
    ensemble = Ensemble.unpacked(boosted.ensemble.packed())

    def features(values: Any) -> np.ndarray:
        return boosted.features(np.column_stack([values[one] for one in NAMES]))

    ours = told(Explainer(predict, COLUMNS, golden, lambda: Trees(ensemble, features, predict)))
    assert {(one.method, one.scale) for one in ours} == {("trees", "log-odds")}
    assert max(abs(one.base - base) for one in ours) < 1e-5
    assert np.abs(shares(ours) - values).max() < 1e-5
    assert np.std(values) > 0.1


@pytest.mark.parametrize("name", NEAR)
def test_native_trees_are_sampled_near_what_shap_says(beside: dict[str, Beside], name: str) -> None:
    model, base, values = beside[f"{name} sampled"]
    predict = partial(chances, model)
    ours = told(Explainer(predict, COLUMNS, golden))
    assert {one.method for one in ours} == {"permutation"}
    assert max(abs(one.base - base) for one in ours) < 1e-5
    difference = np.abs(shares(ours) - values)
    assert difference.max() < 0.12
    assert difference.mean() < 0.02
    answers = predict(dict(zip(NAMES, matrix(ASKED, 3).T, strict=True)))
    np.testing.assert_allclose([one.total for one in ours], answers, atol=1e-9)
