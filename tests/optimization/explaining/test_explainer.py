"""Explanations against the definition of Shapley values, worked out over every coalition of columns."""

from __future__ import annotations

from itertools import chain, combinations
from math import factorial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from noria.core.errors import BadInput
from noria.features.model import InputColumn
from noria.optimization.convert import conversions
from noria.optimization.explaining.explainer import Explainer, graph_trees
from noria.optimization.session import Session

COLUMNS = (
    InputColumn("a", "float"), InputColumn("b", "float"), InputColumn("c", "int", nullable=False),
    InputColumn("place", "string"),
)  # fmt: skip
NAMES = [column.name for column in COLUMNS]
ROWS = 300


def frame(rows: int = ROWS, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "a": rng.normal(size=rows), "b": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
        "c": rng.integers(0, 9, rows), "place": rng.choice(["x", "y", "z"], rows),
    })  # fmt: skip


def target(data: pd.DataFrame) -> np.ndarray:
    return (data["a"] * (data["place"] == "x") + data["b"].fillna(1) * (data["c"] > 4)).to_numpy()


def encoded(model, *, scaled: bool = False):
    places = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["place"]), remainder="passthrough")
    return make_pipeline(places, *([StandardScaler(with_mean=False)] if scaled else []), model)


def opened(tmp_path: Path, model, data: pd.DataFrame) -> tuple[Explainer, Session, pa.Table]:
    content = next(iter(conversions(model, COLUMNS)))()
    (tmp_path / "graph.onnx").write_bytes(content)
    session = Session(tmp_path / "graph.onnx", COLUMNS)
    golden = pa.Table.from_pandas(data.head(16), preserve_index=False)
    return Explainer(session.predict, COLUMNS, lambda: golden, lambda: graph_trees(content, session)), session, golden


def by_definition(answer, row: dict, background: dict) -> np.ndarray:
    """Every coalition's worth, weighted as Shapley (1953) does."""
    everybody = range(len(NAMES))
    many = len(background["a"])
    worth = {}
    for some in chain.from_iterable(combinations(everybody, size) for size in range(len(NAMES) + 1)):
        mixed = {name: [row[name]] * many if n in some else background[name] for n, name in enumerate(NAMES)}
        worth[some] = float(answer(mixed).mean())
    found = np.zeros(len(NAMES))
    for some, value in worth.items():
        for one in set(everybody) - set(some):
            weight = factorial(len(some)) * factorial(len(NAMES) - len(some) - 1) / factorial(len(NAMES))
            found[one] += weight * (worth[tuple(sorted((*some, one)))] - value)
    return found


def log_odds(answers: np.ndarray) -> np.ndarray:
    return np.log(answers / (1 - answers))


MODELS = {
    "boosting": HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=8, random_state=0, min_samples_leaf=5),
    "regression": DecisionTreeRegressor(max_depth=6, random_state=0),
    "boosted values": GradientBoostingRegressor(n_estimators=5, random_state=0),
    "forest": RandomForestClassifier(n_estimators=5, max_depth=5, random_state=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_trees_are_explained_exactly_also_behind_encoders(tmp_path, name) -> None:
    data = frame()
    if name in ("boosted values", "forest", "regression"):
        data["b"] = data["b"].fillna(0.5)
    classifies = hasattr(MODELS[name], "predict_proba")
    wanted = target(data)
    model = encoded(MODELS[name]).fit(data, wanted > 0.2 if classifies else wanted)
    explainer, session, golden = opened(tmp_path, model, data)
    for row in pa.Table.from_pandas(data.tail(5), preserve_index=False).to_pylist():
        told = explainer.explain(row)
        assert told.method == "trees"
        assert told.scale == ("log-odds" if name == "boosting" else "output")
        answer = session.predict_row(row)
        assert told.total == pytest.approx(told.base + sum(told.contributions.values()))
        made = 1 / (1 + np.exp(-told.total)) if told.scale == "log-odds" else told.total
        assert made == pytest.approx(answer, abs=1e-5)
        scale = log_odds if told.scale == "log-odds" else np.asarray
        expected = by_definition(lambda rows, scale=scale: scale(session.predict(rows)), row, golden.to_pydict())
        np.testing.assert_allclose(list(told.contributions.values()), expected, atol=2e-5)


def test_texts_never_seen_and_nulls_are_explained(tmp_path) -> None:
    data = frame()
    model = encoded(MODELS["boosting"]).fit(data, target(data) > 0.2)
    explainer, session, _ = opened(tmp_path, model, data)
    told = explainer.explain({"a": None, "b": None, "c": 3, "place": "nowhere"})
    assert told.method == "trees"
    assert 1 / (1 + np.exp(-told.total)) == pytest.approx(
        session.predict_row({"a": None, "b": None, "c": 3, "place": "nowhere"}), abs=1e-5
    )
    with pytest.raises(BadInput):
        explainer.explain({"a": "much", "b": 1.0, "c": 3, "place": "x"})


def linear(data: pd.DataFrame):
    data["b"] = data["b"].fillna(0.5)
    return encoded(LogisticRegression(), scaled=True).fit(data, target(data) > 0.2)


def mixed_up(data: pd.DataFrame):
    """Trees over principal components: each feature is of several columns."""
    data["b"] = data["b"].fillna(0.5)
    places = make_column_transformer((OneHotEncoder(sparse_output=False), ["place"]), remainder="passthrough")
    return make_pipeline(places, PCA(2), MODELS["regression"]).fit(data, target(data))


@pytest.mark.parametrize("make", [linear, mixed_up])
def test_others_are_explained_by_permutations_near_the_definition(tmp_path, make) -> None:
    data = frame()
    explainer, session, golden = opened(tmp_path, make(data), data)
    row = pa.Table.from_pandas(data.tail(1), preserve_index=False).to_pylist()[0]
    told = explainer.explain(row)
    assert (told.method, told.scale) == ("permutation", "output")
    assert told.total == pytest.approx(session.predict_row(row), abs=1e-9)
    assert told == explainer.explain(row)
    assert told.base == pytest.approx(float(session.predict(golden).mean()))
    expected = by_definition(session.predict, row, golden.to_pydict())
    np.testing.assert_allclose(list(told.contributions.values()), expected, atol=0.15)


def test_a_model_without_a_graph_is_explained_by_its_answers() -> None:
    golden = pa.table({"a": [0.0, 1.0], "b": [2.0, 4.0], "c": [0, 0], "place": ["x", "y"]})
    explainer = Explainer(lambda rows: np.array(rows["a"]) * 3 + np.array(rows["b"]), COLUMNS, lambda: golden)
    told = explainer.explain({"a": 1.0, "b": 5.0, "c": 8, "place": None})
    assert told.contributions == pytest.approx({"a": 1.5, "b": 2.0, "c": 0.0, "place": 0.0})
    assert (told.base, told.total) == (pytest.approx(4.5), pytest.approx(8.0))
