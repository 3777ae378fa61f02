"""Prints what MLflow's own client finds on the server argv[1], as JSON."""

import json
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
client, found = MlflowClient(), {}
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id]):
        folder = Path(tempfile.mkdtemp())
        client.download_artifacts(run.info.run_id, "", str(folder))
        history = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
        names = [path for path in folder.rglob("*") if path.is_file()]
        found[run.info.run_name] = {
            "id": run.info.run_id,
            "experiment": experiment.name,
            "state": run.info.status,
            "times": [run.info.start_time, run.info.end_time],
            "params": run.data.params,
            "tags": run.data.tags,
            "points": {
                name: [(one.step, one.timestamp, str(one.value)) for one in points] for name, points in history.items()
            },
            "files": {path.relative_to(folder).as_posix(): path.read_bytes().decode("latin-1") for path in names},
            "datasets": [
                [one.dataset.name, one.dataset.digest, one.tags[0].value] for one in run.inputs.dataset_inputs
            ],
            "models": [one.model_id for one in run.outputs.model_outputs] if run.outputs else [],
        }
        for model in found[run.info.run_name]["models"]:
            loaded = mlflow.pyfunc.load_model(f"models:/{model}")
            found[run.info.run_name]["predicted"] = loaded.predict([[1.0, 2.0]])
print("FOUND " + json.dumps(found))
