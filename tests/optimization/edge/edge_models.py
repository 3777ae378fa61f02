"""Models of every kind that a bundle may hold, by name."""

import warnings

from hangar import boosted, inputs_of
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

NUMBERS = inputs_of(distance="float", hour="int", holiday="bool")
TEXTS = inputs_of(origin="string", distance="float", hour="int", holiday="bool")
NULLS = inputs_of(origin="string?", distance="float?", hour="int")


def _of_numbers(model, task="classification"):
    def packaged(hangar):
        label = hangar.distance * 2 + hangar.hour if task == "regression" else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return hangar.package(
                model(), NUMBERS, task=task, label=label,
                distance=hangar.distance, hour=hangar.hour, holiday=hangar.holiday,
            )  # fmt: skip

    return packaged


def _of_texts(model):
    def packaged(hangar):
        return hangar.package(
            model(), TEXTS, origin=hangar.origin, distance=hangar.distance, hour=hangar.hour, holiday=hangar.holiday
        )

    return packaged


def _of_nulls(hangar):
    origin, distance = hangar.with_nulls(hangar.origin), hangar.with_nulls(hangar.distance)
    return hangar.package(boosted("origin"), NULLS, origin=origin, distance=distance, hour=hangar.hour)


def _one_hot():
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["origin"]), remainder="passthrough")
    return make_pipeline(encode, LogisticRegression())


def _ordinal():
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = make_column_transformer((encoder, ["origin"]), remainder="passthrough")
    return make_pipeline(encode, RandomForestClassifier(n_estimators=5, random_state=0))


def _of_close_numbers(hangar):
    """Single precision cannot tell these distances apart, so its graph is one in double precision."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return hangar.package(model, inputs_of(distance="float"), distance=hangar.distance / 900 + 1e6)


MODELS = {
    "boosted-with-nulls": _of_nulls,
    "boosted": _of_numbers(lambda: GradientBoostingClassifier(n_estimators=100, random_state=0)),
    "forest-of-texts": _of_texts(_ordinal),
    "forest-regression": _of_numbers(lambda: RandomForestRegressor(n_estimators=10, random_state=0), "regression"),
    "line-in-doubles": _of_close_numbers,
    "line-of-texts": _of_texts(_one_hot),
    "line-regression": _of_numbers(lambda: make_pipeline(SimpleImputer(), Ridge()), "regression"),
    "perceptron": _of_numbers(
        lambda: make_pipeline(StandardScaler(), MLPClassifier((64, 64), max_iter=30, random_state=0))
    ),
}
