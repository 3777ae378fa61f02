"""What the page shows: runs with a thousand points of a metric, an artifact, and a registered model."""

import math
import sys

import mlflow
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
mlflow.set_experiment("flights")
for number in range(3):
    with mlflow.start_run(run_name=f"late-{number}") as run:
        mlflow.log_params({"depth": number, "rate": 0.1 * number})
        mlflow.set_tag("team", "ops")
        mlflow.log_metric("auc", 0.7 + number / 100)
        points = [
            mlflow.entities.Metric("loss", math.exp(-n / 300) + number / 10, 1_700_000_000_000 + n, n)
            for n in range(1000)
        ]
        client.log_batch(run.info.run_id, metrics=points)
        mlflow.log_text("hello", "notes/hello.txt")
        if number == 2:
            model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
            logged = mlflow.sklearn.log_model(
                model, name="model", registered_model_name="lateness", input_example=[[0.5]]
            )
            client.set_registered_model_alias("lateness", "production", 1)
experiment = mlflow.get_experiment_by_name("flights").experiment_id
print("RESULT", experiment, run.info.run_id, logged.model_id)
