"""Trains a model of another library, registers it, then answers as it does itself; run in a process of its own.

`train_native.py LIBRARY WORKSPACE`: prints what the model is once it is in production; then, for each line of JSON
(rows of features), what the very model in memory answers to them.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tiny_airline
from native_airline import promote_native
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

TEXTS = ["origin", "dest", "carrier"]


def flights(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    numbers = {
        name: rng.normal(10, 8, rows) for name in (
            "Airport.mean_delay_1h", "Airport.mean_delay_3h", "Airport.mean_delay_24h", "Carrier.late_share_24h",
            "Carrier.late_share_7d", "Sky.visibility", "Sky.wind_speed")
    }  # fmt: skip
    return pd.DataFrame({
        **numbers,
        "Aircraft.last_delay": np.where(rng.random(rows) < 0.5, np.nan, rng.normal(5, 30, rows)),
        "Airport.departures": rng.integers(0, 30, rows),
        "hour_of_day": rng.integers(0, 24, rows),
        "origin": rng.choice(["JFK", "EWR", "LGA"], rows),
        "dest": rng.choice(["BOS", "ORD"], rows),
        "carrier": rng.choice(["UA", "AA"], rows),
        "distance": rng.uniform(100, 2500, rows),
    })  # fmt: skip


def trained(library: str, X: pd.DataFrame, late: pd.Series) -> Any:
    if library == "torch":
        return importlib.import_module("torch_net").train(X, late)
    module = importlib.import_module(library)
    kind, quiet = (module.XGBClassifier, {}) if library == "xgboost" else (module.LGBMClassifier, {"verbose": -1})
    names = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TEXTS), remainder="passthrough"
    )
    return make_pipeline(names, kind(n_estimators=20, n_jobs=1, random_state=0, **quiet)).fit(X, late)


def main() -> None:
    library, root = sys.argv[1], Path(sys.argv[2])
    X = flights()
    late = (X["Airport.mean_delay_1h"] + X["hour_of_day"] + X["distance"] / 200 > 28).astype(int)
    model = trained(library, X, late)
    ws = tiny_airline.workspace(root)
    promote_native(ws, model, X, library)
    ws.close()
    print(type(model).__name__, flush=True)
    for line in sys.stdin:
        rows = pd.DataFrame(json.loads(line))[list(X.columns)]
        rows = rows.astype({name: float for name in X.columns if name not in TEXTS})
        print(json.dumps(model.predict_proba(rows)[:, 1].astype(float).tolist()), flush=True)


if __name__ == "__main__":
    main()
