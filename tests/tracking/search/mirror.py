"""Writes a world into our tables, under the names that MLflow gave to it."""

from __future__ import annotations

import math
import sys
from typing import Any

import sqlalchemy as sa

from noria.registry.tables import registered_model_tags, registered_models, version_tags, versions
from noria.tracking import tables as t
from noria.workspace.workspace import Workspace

_LARGEST = sys.float_info.max
_STATES = {1: "pending", 2: "ready", 3: "failed"}


def write(ws: Workspace, world: dict[str, Any], names: dict[str, Any]) -> None:
    """Everything, as the store would have kept it."""
    with ws.database.transaction() as connection:
        _experiments(connection, world, names)
        metrics = {name: key for key, name in enumerate(sorted({p[0] for r in world["runs"] for p in r["points"]}), 1)}
        connection.execute(sa.insert(t.metric_names), [{"key": key, "name": name} for name, key in metrics.items()])
        keys: dict[tuple[int, str, str], int] = {}
        for number, run in enumerate(world["runs"]):
            _run(connection, number + 1, names["runs"][number], names["experiments"][run["experiment"]], run, metrics)
            _inputs(connection, number + 1, names["experiments"][run["experiment"]], run["datasets"], keys)
        for number, model in enumerate(world["logged_models"]):
            _logged_model(connection, number + 1, names["logged_models"][number], names, model)
        for model in world["registered_models"]:
            _registered_model(connection, model)


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)


def _experiments(connection: sa.Connection, world: dict[str, Any], names: dict[str, Any]) -> None:
    began = {"name": "Default", "tags": {}, "stage": "active", "created": world["began"], "updated": world["began"]}
    connection.execute(sa.delete(t.experiments).where(t.experiments.c.key == 0))  # there from the start, perhaps
    for key, each in zip([0, *names["experiments"]], [began, *world["experiments"]], strict=True):
        row = {"key": key, "name": each["name"], "artifact_root": "x", "stage": each["stage"],
               "created": each["created"] * 1000, "updated": each["updated"] * 1000}  # fmt: skip
        _insert(connection, t.experiments, [row])
        tags = [{"experiment": key, "name": name, "value": value} for name, value in each["tags"].items()]
        _insert(connection, t.experiment_tags, tags)


def _run(connection: sa.Connection, key: int, id_: str, experiment: int, run: dict[str, Any],
         metrics: dict[str, int]) -> None:  # fmt: skip
    row = {
        "key": key, "id": id_, "experiment": experiment, "name": run["name"], "model": "", "kind": "",
        "actor": run["user"], "state": run["status"].lower(), "stage": run["stage"],
        "started": _micros(run["start_time"]), "ended": _micros(run["end_time"]), "deleted": None,
        "artifact_root": f"mlflow-artifacts:/{experiment}/{id_}/artifacts", "inputs": "{}", "note": "",
    }  # fmt: skip
    _insert(connection, t.runs, [row])
    tags = {**run["tags"], "mlflow.runName": run["name"]}
    _insert(connection, t.run_tags, [{"run": key, "name": name, "value": value} for name, value in tags.items()])
    _insert(connection, t.run_params,
            [{"run": key, "name": name, "value": value} for name, value in run["params"].items()])  # fmt: skip
    latest: dict[str, tuple[int, int, float, bool]] = {}
    for name, text, at, step in run["points"]:
        nan = math.isnan(float(text))
        point = (step, at, 0.0 if nan else max(min(float(text), _LARGEST), -_LARGEST), nan)
        latest[name] = max(latest.get(name, point), point, key=lambda each: each[:3])
    _insert(connection, t.latest_metrics, [
        {"run": key, "metric": metrics[name], "experiment": experiment, "value": value, "is_nan": int(nan),
         "step": step, "at": at}
        for name, (step, at, value, nan) in latest.items()
    ])  # fmt: skip


def _inputs(connection: sa.Connection, run: int, experiment: int, datasets: list[tuple[str, str, str | None]],
            keys: dict[tuple[int, str, str], int]) -> None:  # fmt: skip
    for name, digest, context in datasets:
        identity = (experiment, name, digest)
        if identity not in keys:
            keys[identity] = len(keys) + 1
            row = {"key": keys[identity], "experiment": experiment, "name": name, "digest": digest,
                   "source_type": "local", "source": "{}", "schema": None, "profile": None}  # fmt: skip
            _insert(connection, t.datasets, [row])
        _insert(connection, t.run_datasets, [{"run": run, "dataset": keys[identity], "tags": "{}", "context": context}])


def _logged_model(connection: sa.Connection, key: int, id_: str, names: dict[str, Any], model: dict[str, Any]) -> None:
    row = {
        "key": key, "id": id_, "experiment": names["experiments"][model["experiment"]], "name": model["name"],
        "kind": model["kind"], "state": _STATES[model["status"]], "state_message": None,
        "source_run": None if model["run"] is None else names["runs"][model["run"]], "artifact_root": "x",
        "stage": model["stage"], "created": model["created"] * 1000, "updated": model["updated"] * 1000,
    }  # fmt: skip
    _insert(connection, t.logged_models, [row])
    for table, values in ((t.logged_model_params, model["params"]), (t.logged_model_tags, model["tags"])):
        _insert(connection, table, [{"model": key, "name": name, "value": value} for name, value in values.items()])
    _insert(connection, t.logged_model_metrics, [
        {"model": key, "name": name, "at": at, "step": step, "run": run + 1, "value": value, "is_nan": 0,
         "dataset": None, "dataset_name": dataset, "dataset_digest": digest}
        for name, value, at, step, run, dataset, digest in model["metrics"]
    ])  # fmt: skip


def _registered_model(connection: sa.Connection, model: dict[str, Any]) -> None:
    name = model["name"]
    row = {"name": name, "created": model["created"] * 1000, "updated": model["updated"] * 1000, "description": None}
    _insert(connection, registered_models, [row])
    _insert(connection, registered_model_tags,
            [{"model": name, "name": tag, "value": value} for tag, value in model["tags"].items()])  # fmt: skip
    for number, version in enumerate(model["versions"], start=1):
        row = {
            "model": name, "number": number, "created": version["created"] * 1000, "updated": version["updated"] * 1000,
            "stage": "deleted" if version["deleted"] else "candidate", "source": version["source"], "storage": "",
            "run": version["run"], "actor": "", "status": "READY",
        }  # fmt: skip
        _insert(connection, versions, [row])
        _insert(connection, version_tags,
                [{"model": name, "number": number, "name": tag, "value": value}
                 for tag, value in version["tags"].items()])  # fmt: skip


def _micros(millis: int | None) -> int | None:
    return None if millis is None else millis * 1000
