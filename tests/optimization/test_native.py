"""Native models: kept and read back by digest, and told when they cannot be."""

import numpy as np
import pytest
from hangar import boosted
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from noria.core.errors import NotFound
from noria.optimization import native


def test_a_model_comes_back_and_answers_alike(hangar):
    X = hangar.distance[:, None]
    model = LogisticRegression().fit(X, hangar.label)
    digest = native.save(hangar.ws, model)
    assert np.array_equal(native.load(hangar.ws, digest).predict_proba(X), model.predict_proba(X))


def test_the_same_model_has_the_same_digest(hangar):
    one, other = (LogisticRegression().fit(hangar.distance[:, None], hangar.label) for _ in range(2))
    assert native.save(hangar.ws, one) == native.save(hangar.ws, other)


def test_a_lambda_cannot_be_kept(hangar):
    with pytest.raises(native.NotPicklable, match="a Pipeline cannot be kept"):
        native.save(hangar.ws, make_pipeline(FunctionTransformer(lambda X: X), boosted("origin")))


def test_a_digest_that_names_nothing(hangar):
    with pytest.raises(NotFound):
        native.load(hangar.ws, "0" * 64)
