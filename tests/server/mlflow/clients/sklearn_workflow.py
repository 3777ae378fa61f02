"""A data scientist's afternoon: autolog, nested runs, a registered model, an alias, loading it. MLflow 2 and 3."""

import sys
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

THREE = int(mlflow.__version__.split(".")[0]) >= 3
mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
X, y = load_iris(return_X_y=True, as_frame=True)

mlflow.set_experiment("iris")
mlflow.sklearn.autolog(log_input_examples=True, log_model_signatures=True)
with mlflow.start_run(run_name="autolog") as auto:
    model = RandomForestClassifier(n_estimators=7, random_state=0).fit(X, y)
    model.score(X, y)
mlflow.sklearn.autolog(disable=True)
kept = client.get_run(auto.info.run_id)
assert kept.info.status == "FINISHED"
assert kept.data.params["n_estimators"] == "7"
assert kept.data.metrics["training_accuracy_score"] > 0.9
assert kept.data.tags["estimator_name"] == "RandomForestClassifier"
assert [one.dataset.name for one in kept.inputs.dataset_inputs] != []
assert "training_confusion_matrix.png" in [one.path for one in client.list_artifacts(auto.info.run_id)]

name = "iris-logistic"
where = {"name": "model"} if THREE else {"artifact_path": "model"}
with mlflow.start_run(run_name="outer", tags={"team": "flowers"}) as outer:
    for depth in range(3):
        with mlflow.start_run(run_name=f"inner-{depth}", nested=True):
            mlflow.log_param("depth", depth)
            mlflow.log_metric("auc", 0.8 + depth / 100)
    linear = LogisticRegression(max_iter=500).fit(X, y)
    info = mlflow.sklearn.log_model(linear, **where, registered_model_name=name, input_example=X.head(3))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "deep").mkdir()
        (Path(folder) / "deep" / "notes.txt").write_text("kept")
        mlflow.log_artifacts(folder, "extra")
children = mlflow.search_runs(
    filter_string=f"tags.mlflow.parentRunId = '{outer.info.run_id}'", order_by=["metrics.auc DESC"]
)
assert list(children["params.depth"]) == ["2", "1", "0"], children
assert info.signature is not None

client.set_registered_model_alias(name, "champion", 1)
loaded = mlflow.pyfunc.load_model(f"models:/{name}@champion")
assert np.array_equal(loaded.predict(X), linear.predict(X))
native = mlflow.sklearn.load_model(f"models:/{name}/1")
assert np.array_equal(native.predict_proba(X), linear.predict_proba(X))
version = client.get_model_version_by_alias(name, "champion")
assert (version.version, version.run_id, version.status) == ("1", outer.info.run_id, "READY")
copied = client.copy_model_version(f"models:/{name}@champion", "iris-production")
assert np.array_equal(mlflow.pyfunc.load_model("models:/iris-production/1").predict(X), linear.predict(X))
client.transition_model_version_stage("iris-production", 1, "Production")
assert client.get_latest_versions("iris-production", ["Production"])[0].version == copied.version
assert isinstance(mlflow.pyfunc.load_model(f"runs:/{outer.info.run_id}/model").predict(pd.DataFrame(X)), np.ndarray)
text = mlflow.artifacts.load_text(f"runs:/{outer.info.run_id}/extra/deep/notes.txt")
assert text == "kept"

if THREE:
    found = mlflow.search_logged_models(filter_string="name = 'model'", output_format="list")
    assert info.model_id in [one.model_id for one in found]
    assert client.get_logged_model(info.model_id).status == "READY"
    mlflow.log_metric("late", 0.5, run_id=outer.info.run_id, model_id=info.model_id)
    assert [one.value for one in client.get_logged_model(info.model_id).metrics if one.key == "late"] == [0.5]
print("RESULT", mlflow.__version__, outer.info.run_id)
