"""xgboost's and lightgbm's autolog: a metric for each round, the model, its importances."""

import sys

import lightgbm
import mlflow
import numpy as np
import xgboost
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
X, y = load_breast_cancer(return_X_y=True)
ROUNDS = 12


def check(kind, metric, model, data):
    run = mlflow.last_active_run()
    assert run.info.status == "FINISHED"
    history = client.get_metric_history(run.info.run_id, metric)
    assert [point.step for point in history] == list(range(ROUNDS)), (kind, history)
    assert run.data.metrics[metric] == history[-1].value
    assert any("feature_importance" in one.path for one in client.list_artifacts(run.info.run_id))
    (logged,) = mlflow.search_logged_models(filter_string=f"source_run_id = '{run.info.run_id}'", output_format="list")
    loaded = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    assert np.allclose(loaded.predict(X), model.predict(data)), kind
    return run.data.params


mlflow.set_experiment("boosting")
mlflow.xgboost.autolog()
matrix = xgboost.DMatrix(X, y)
params = {"objective": "binary:logistic", "eval_metric": "logloss", "nthread": 1}
booster = xgboost.train(params, matrix, num_boost_round=ROUNDS, evals=[(matrix, "train")], verbose_eval=False)
assert check("xgboost", "train-logloss", booster, matrix)["num_boost_round"] == str(ROUNDS)

mlflow.lightgbm.autolog()
table = lightgbm.Dataset(X, y)
params = {"objective": "binary", "metric": "binary_logloss", "num_threads": 1, "verbose": -1}
booster = lightgbm.train(params, table, num_boost_round=ROUNDS, valid_sets=[table], valid_names=["train"])
assert check("lightgbm", "train-binary_logloss", booster, X)["objective"] == "binary"
print("RESULT", mlflow.__version__, xgboost.__version__, lightgbm.__version__)
