"""Trees of XGBoost and LightGBM: the same totals as the libraries' own, or none at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from noria.optimization.explaining.boosters import read_boosted
from noria.optimization.explaining.trees import TreeGame

FEATURES = 4


def rows(count: int, seed: int, *, missing: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(count, FEATURES))
    data[:, 3] = rng.integers(0, 5, count)
    if missing:
        data[rng.random(data.shape) < 0.15] = np.nan
    return data


def label(data: np.ndarray) -> np.ndarray:
    data = np.nan_to_num(data, nan=-1.0)
    return data[:, 0] * (data[:, 1] > 0) + np.sin(data[:, 2]) + (data[:, 3] == 2)


def totals(model, data: np.ndarray) -> np.ndarray:
    boosted = read_boosted(model)
    seen = boosted.features(data)
    return TreeGame(boosted.ensemble, np.arange(seen.shape[1]), seen.shape[1], seen[:5]).totals(seen)


@pytest.mark.parametrize("trained_with_missing", [True, False])
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_totals_are_the_librarys_own_also_of_rows_with_missing_values(library: str, trained_with_missing: bool) -> None:
    data = rows(2000, 1, missing=trained_with_missing)
    model = (
        XGBRegressor(n_estimators=25, n_jobs=1) if library == "xgboost" else LGBMRegressor(n_estimators=25, verbose=-1)
    )
    model.fit(data, label(data))
    asked = np.vstack([rows(500, 2), np.zeros((1, FEATURES)), np.full((1, FEATURES), np.nan)])
    difference = model.predict(asked) - totals(model, asked)
    assert np.ptp(difference) < 1e-5
    assert np.std(model.predict(asked)) > 0.3


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_what_was_stopped_early_ends_where_it_answers(library: str) -> None:
    data, other = rows(600, 1), rows(300, 2)
    noise = np.random.default_rng(3).normal(size=900)
    label_, other_label = label(data) + 2 * noise[:600], label(other) + 2 * noise[600:]
    if library == "xgboost":
        model = XGBRegressor(n_estimators=300, early_stopping_rounds=5, n_jobs=1)
        model.fit(data, label_, eval_set=[(other, other_label)], verbose=False)
        assert model.best_iteration < 290
    else:
        from lightgbm import early_stopping

        model = LGBMRegressor(n_estimators=300, verbose=-1)
        model.fit(data, label_, eval_set=[(other, other_label)], callbacks=[early_stopping(5, verbose=False)])
        assert model.best_iteration_ < 290
    assert np.ptp(model.predict(other) - totals(model, other)) < 1e-5


def test_a_pipeline_makes_its_features_as_it_does_itself() -> None:
    data = rows(500, 1, missing=False)
    model = make_pipeline(StandardScaler(), LGBMRegressor(n_estimators=10, verbose=-1)).fit(data, label(data))
    assert np.ptp(model.predict(data) - totals(model, data)) < 1e-9
    for one in (XGBRegressor(n_estimators=5, n_jobs=1), LGBMRegressor(n_estimators=5, verbose=-1)):
        sparse = make_pipeline(OneHotEncoder(), one).fit(data[:, 3:], label(data))
        assert np.ptp(sparse.predict(data[:, 3:]) - totals(sparse, data[:, 3:])) < 1e-5


def test_what_are_no_plain_trees_of_numbers_is_left_alone() -> None:
    data = rows(400, 1, missing=False)
    several = data[:, 3].astype(int)
    named = pd.DataFrame({"a": data[:, 0], "b": pd.Categorical(several)})
    truth = label(data)
    for model, X, y in (
        (LogisticRegression(), data, truth > 0),
        (XGBRegressor(booster="gblinear", n_estimators=3), data, truth),
        (XGBRegressor(booster="dart", n_estimators=3), data, truth),
        (XGBClassifier(n_estimators=2), data, several),
        (XGBRegressor(n_estimators=20, enable_categorical=True, max_cat_to_onehot=1), named, truth),
        (LGBMClassifier(n_estimators=2, verbose=-1), data, several),
        (LGBMRegressor(n_estimators=20, verbose=-1), named, truth),
        (LGBMRegressor(n_estimators=3, verbose=-1, linear_tree=True), data, truth),
        (LGBMRegressor(n_estimators=3, verbose=-1, zero_as_missing=True), data, truth),
        (
            LGBMRegressor(boosting_type="rf", n_estimators=3, bagging_freq=1, bagging_fraction=0.5, verbose=-1),
            data,
            truth,
        ),
    ):
        assert read_boosted(model.fit(X, y)) is None, model
