"""Models that have no ONNX form: plain classes with `predict`, as a project would declare them."""

from __future__ import annotations

import os
import time

import numpy as np


class Rule:
    """Late when the plane was late before: a rule of thumb that is no estimator."""

    def __init__(self, weight: float = 0.01) -> None:
        self.weight = weight

    def predict_proba(self, X):
        chance = np.clip(0.2 + self.weight * np.nan_to_num(X["Aircraft.last_delay"]) + 0.0001 * X["distance"], 0, 1)
        return np.column_stack([1 - chance, chance])

    def predict(self, X):
        return self.predict_proba(X)[:, 1] > 0.5


class Doubling:
    """Twice `x`; kills its own process, fails, prints or takes its time when asked to."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def predict(self, X):
        print("what a model prints is nobody's answer")
        if (X["x"] == 666).any():
            os._exit(9)
        if (X["x"] < 0).any():
            raise ValueError("no negative numbers")
        time.sleep(self.seconds)
        return 2 * X["x"].to_numpy()


class Glutton(Doubling):
    """Wants more memory than there is."""

    def predict(self, X):
        return 2 * X["x"].to_numpy() + 0 * np.ones(1 << 33)[0]
