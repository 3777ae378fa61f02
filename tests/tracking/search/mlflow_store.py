"""Run by the interpreter that has MLflow: fills a real SqlAlchemyStore on SQLite, then answers searches in it.

The first line in is the world to write (see `worlds.py`), the first line out the names that MLflow gave to what it
wrote. Then a line in is a search, a line out `{"pages": [[id, ...], ...]}` or `{"refused": why}`.
"""
# ruff: noqa: E402

import json
import logging
import os
import sys
import tempfile

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
logging.disable(logging.CRITICAL)

import sqlalchemy as sa
from mlflow.entities import (
    Dataset,
    DatasetInput,
    ExperimentTag,
    InputTag,
    LoggedModelParameter,
    LoggedModelTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)  # fmt: skip
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore

VIEWS = {"active": ViewType.ACTIVE_ONLY, "deleted": ViewType.DELETED_ONLY, "all": ViewType.ALL}


class Store:
    """MLflow's stores on one database."""

    def __init__(self, folder):
        self.tracking = TrackingStore(f"sqlite:///{folder}/t.db", f"{folder}/artifacts")
        self.registry = RegistryStore(f"sqlite:///{folder}/t.db")

    def write(self, world):
        """Everything of a world; gives MLflow's names for it."""
        self._set("experiments", {"creation_time": world["began"], "last_update_time": world["began"]}, experiment_id=0)
        experiments = [self._experiment(each) for each in world["experiments"]]
        runs = [self._run(each, experiments) for each in world["runs"]]
        models = [self._logged_model(each, experiments, runs) for each in world["logged_models"]]
        for each in world["registered_models"]:
            self._registered_model(each)
        return {"experiments": experiments, "runs": runs, "logged_models": models}

    def _set(self, table, values, **where):
        conditions = " AND ".join(f"{name} = :w_{name}" for name in where)
        changes = ", ".join(f"{name} = :{name}" for name in values)
        with self.tracking.engine.begin() as connection:
            statement = sa.text(f"UPDATE {table} SET {changes} WHERE {conditions}")
            connection.execute(statement, {**values, **{f"w_{name}": value for name, value in where.items()}})

    def _experiment(self, each):
        tags = [ExperimentTag(key, value) for key, value in each["tags"].items()]
        id_ = self.tracking.create_experiment(each["name"], tags=tags)
        if each["stage"] == "deleted":
            self.tracking.delete_experiment(id_)
        times = {"creation_time": each["created"], "last_update_time": each["updated"]}
        self._set("experiments", times, experiment_id=int(id_))
        return int(id_)

    def _run(self, each, experiments):
        tags = [RunTag(key, value) for key, value in each["tags"].items()]
        experiment = str(experiments[each["experiment"]])
        run = self.tracking.create_run(experiment, each["user"], each["start_time"], tags, each["name"])
        id_ = run.info.run_id
        metrics = [Metric(key, float(value), at, step) for key, value, at, step in each["points"]]
        params = [Param(key, value) for key, value in each["params"].items()]
        self.tracking.log_batch(id_, metrics, params, [])
        inputs = [
            DatasetInput(Dataset(name, digest, "local", "{}"),
                         [InputTag("mlflow.data.context", context)] if context is not None else [])
            for name, digest, context in each["datasets"]
        ]  # fmt: skip
        if inputs:
            self.tracking.log_inputs(id_, inputs)
        self.tracking.update_run_info(id_, RunStatus.from_string(each["status"]), each["end_time"], None)
        if each["stage"] == "deleted":
            self.tracking.delete_run(id_)
        return id_

    def _logged_model(self, each, experiments, runs):
        model = self.tracking.create_logged_model(
            str(experiments[each["experiment"]]),
            each["name"],
            None if each["run"] is None else runs[each["run"]],
            [LoggedModelTag(key, value) for key, value in each["tags"].items()],
            [LoggedModelParameter(key, value) for key, value in each["params"].items()],
            each["kind"],
        )
        with self.tracking.engine.begin() as connection:
            for name, value, at, step, run, dataset, digest in each["metrics"]:
                connection.execute(
                    sa.text("INSERT INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, "
                            "metric_step, metric_value, experiment_id, run_id, dataset_name, dataset_digest) "
                            "VALUES (:a, :b, :c, :d, :e, :f, :g, :h, :i)"),
                    {"a": model.model_id, "b": name, "c": at, "d": step, "e": value,
                     "f": experiments[each["experiment"]], "g": runs[run], "h": dataset, "i": digest},
                )  # fmt: skip
        if each["stage"] == "deleted":
            self.tracking.delete_logged_model(model.model_id)
        times = {"creation_timestamp_ms": each["created"], "last_updated_timestamp_ms": each["updated"]}
        self._set("logged_models", {**times, "status": each["status"]}, model_id=model.model_id)
        return model.model_id

    def _registered_model(self, each):
        tags = [RegisteredModelTag(key, value) for key, value in each["tags"].items()]
        self.registry.create_registered_model(each["name"], tags)
        for number, version in enumerate(each["versions"], start=1):
            tags = [ModelVersionTag(key, value) for key, value in version["tags"].items()]
            self.registry.create_model_version(each["name"], version["source"], version["run"], tags)
            if version["deleted"]:
                self.registry.delete_model_version(each["name"], str(number))
            times = {"creation_time": version["created"], "last_updated_time": version["updated"]}
            self._set("model_versions", times, name=each["name"], version=number)
        times = {"creation_time": each["created"], "last_updated_time": each["updated"]}
        self._set("registered_models", times, name=each["name"])

    def search(self, asked, token):
        """One page of a search."""
        kind, text, order, limit = asked["kind"], asked["filter"], asked["order_by"], asked["limit"]
        if kind == "runs":
            ids = [str(each) for each in asked["experiments"]]
            found = self.tracking.search_runs(ids, text, VIEWS[asked["stage"]], limit, order, token)
            return [run.info.run_id for run in found], found.token
        if kind == "experiments":
            found = self.tracking.search_experiments(VIEWS[asked["stage"]], limit, text, order, token)
            return [int(each.experiment_id) for each in found], found.token
        if kind == "logged_models":
            ids = [str(each) for each in asked["experiments"]]
            found = self.tracking.search_logged_models(
                ids, text or None, asked["datasets"], limit, order or None, token
            )
            return [each.model_id for each in found], found.token
        if kind == "registered_models":
            found = self.registry.search_registered_models(text, limit, order, token)
            return [each.name for each in found], found.token
        found = self.registry.search_model_versions(text, limit, order, token)
        return [[each.name, int(each.version)] for each in found], found.token

    def answer(self, asked):
        """The first pages of a search."""
        pages, token = [], None
        try:
            while len(pages) < asked["pages"] and (token or not pages):
                keys, token = self.search(asked, token)
                pages.append(keys)
        except Exception as error:
            return {"refused": f"{type(error).__name__}: {error}"[:300]}
        return {"pages": pages, "more": bool(token)}


def main():
    """Write the world, then answer lines until there are no more."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        print(json.dumps(store.write(json.loads(sys.stdin.readline()))), flush=True)
        for line in sys.stdin:
            print(json.dumps(store.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
