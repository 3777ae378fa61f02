"""Logs to the MLflow store argv[1]: nested runs, odd values, a dataset, a model with versions, deleted things."""

import sys

import mlflow
import numpy as np
from mlflow import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_registry_uri(sys.argv[1])
experiment = mlflow.create_experiment("flights", tags={"team": "ops"})
mlflow.set_experiment("flights")


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


with mlflow.start_run(run_name="parent", description="a note"):
    mlflow.log_params({"lr": 0.1, "opt/name": "adam"})
    for step in range(20):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metric("val/auc", float("nan"), step=1)
    mlflow.log_metric("huge", float("inf"))
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.set_tag("a/b", "x")
    mlflow.log_input(mlflow.data.from_numpy(np.arange(6).reshape(3, 2), name="ds"), context="training")
    mlflow.pyfunc.log_model(name="model", python_model=Echo(), registered_model_name="lateness", params={"p": "1"})
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_metric("loss", 2.0)

client = MlflowClient()
client.update_registered_model("lateness", "of flights")
source = client.get_model_version("lateness", "1").source
mlflow.register_model(source, "lateness")
client.delete_model_version("lateness", "2")
mlflow.register_model(source, "lateness")
client.update_model_version("lateness", "3", description="the third")
client.set_registered_model_alias("lateness", "prod", 3)
client.set_model_version_tag("lateness", "1", "k", "v")
client.transition_model_version_stage("lateness", "1", "Staging")

failed = client.create_run(experiment, run_name="failed")
client.log_metric(failed.info.run_id, "x", 1.0)
client.set_terminated(failed.info.run_id, "FAILED")
client.delete_run(client.create_run(experiment, run_name="gone").info.run_id)
