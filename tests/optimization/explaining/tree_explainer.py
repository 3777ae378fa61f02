"""What shap's TreeExplainer says; run in an environment of its own: `tree_explainer.py MODELS BACKGROUND ROWS`.

MODELS are pickled estimators on plain matrices, each with the output to be explained (raw or probability), BACKGROUND
and ROWS are of NumPy. Prints a line of JSON for each model: the base value, and the values of each row.
"""

from __future__ import annotations

import json
import sys

import joblib
import numpy as np
import shap


def last(values):
    """Of the last class, where it tells of several."""
    values = np.asarray(values)
    return values[..., -1] if values.ndim == 3 else values


def main() -> None:
    models, background, rows = sys.argv[1:]
    for model, output in joblib.load(models):
        explainer = shap.TreeExplainer(
            model, np.load(background), feature_perturbation="interventional", model_output=output
        )
        values = last(explainer.shap_values(np.load(rows)))
        base = float(np.ravel(explainer.expected_value)[-1])
        print(json.dumps({"base": base, "values": values.tolist()}))


if __name__ == "__main__":
    main()
