"""The client alone, without pandas, numpy or scikit-learn."""

import importlib.util
import sys

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

for heavy in ("numpy", "pandas", "sklearn"):
    assert importlib.util.find_spec(heavy) is None, heavy
mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
mlflow.set_experiment("skinny")
with mlflow.start_run(run_name="plain") as run:
    mlflow.log_params({"depth": 3, "kind": "tree"})
    mlflow.log_metrics({"auc": 0.5, "loss": float("nan")}, step=1)
    mlflow.set_tag("team", "ops")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "data.json")
    with mlflow.start_run(run_name="nested", nested=True) as nested:
        points = [Metric("m", n / 10, 1_700_000_000_000 + n, n) for n in range(1000)]
        client.log_batch(nested.info.run_id, points)
        client.log_batch(nested.info.run_id, points, [Param("p", "1")], [RunTag("t", "2")])
kept = client.get_run(run.info.run_id)
assert kept.data.params == {"depth": "3", "kind": "tree"}
assert kept.data.metrics["auc"] == 0.5 and kept.data.metrics["loss"] != kept.data.metrics["loss"]
assert [point.step for point in client.get_metric_history(nested.info.run_id, "m")] == list(range(1000))
found = mlflow.search_runs(filter_string="params.kind = 'tree' AND metrics.auc > 0.4", output_format="list")
assert [one.info.run_name for one in found] == ["plain"]
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt") == "hello"
assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["data.json", "notes"]
client.create_registered_model("skinny", tags={"a": "b"})
version = client.create_model_version("skinny", f"{run.info.artifact_uri}/model", run.info.run_id)
client.set_registered_model_alias("skinny", "champion", version.version)
assert client.get_model_version_by_alias("skinny", "champion").run_id == run.info.run_id
client.copy_model_version("models:/skinny@champion", "skinny-copy")
assert [one.name for one in client.search_registered_models("name LIKE 'skinny%'")] == ["skinny", "skinny-copy"]
model = client.create_logged_model(run.info.experiment_id, name="logged", source_run_id=run.info.run_id)
client.finalize_logged_model(model.model_id, "READY")
assert [one.name for one in client.search_logged_models([run.info.experiment_id])] == ["logged"]
print("RESULT", mlflow.__version__)
