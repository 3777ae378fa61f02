"""Runs: made, nested, changed, logged to, ended, deleted."""

import mlflow.data
import numpy as np
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, Metric, Param, RunTag

START = 1_700_000_000_000
API = "/api/2.0/mlflow/runs"


def calls(rec):
    c = rec.client
    exp = c.create_experiment("runs")
    _made(rec, c, exp)
    _logged(rec, c, exp)
    _ended(rec, c, exp)
    _inputs(rec, c, exp)


def _made(rec, c, exp):
    rec.call("create", c.create_run, exp, start_time=START, run_name="first", tags={"a": "1"})
    rec.call("create without a name", c.create_run, exp, start_time=START)
    parent = rec.call(
        "create with a user", c.create_run, exp, start_time=START, tags={"mlflow.user": "ann"}, run_name="p"
    ).info.run_id
    child = rec.call(
        "create a nested one", c.create_run, exp, tags={"mlflow.parentRunId": parent}, run_name="child"
    ).info.run_id
    rec.call("its parent", c.get_parent_run, child)
    rec.call("a parent's parent", c.get_parent_run, parent)
    rec.call(
        "create with two names", c.create_run, exp, start_time=START, run_name="one", tags={"mlflow.runName": "two"}
    )
    rec.call("create with a name as a tag", c.create_run, exp, start_time=START, tags={"mlflow.runName": "two"})
    rec.call("create in an experiment that is not there", c.create_run, "987654")
    rec.rest(
        "create raw",
        "POST",
        f"{API}/create",
        json={
            "experiment_id": exp,
            "user_id": "bob",
            "start_time": START,
            "run_name": "r",
            "tags": [{"key": "k", "value": "v"}],
        },
    )
    rec.rest("create raw with nothing", "POST", f"{API}/create", json={})
    rec.rest("create raw with only an experiment", "POST", f"{API}/create", json={"experiment_id": exp})
    rec.rest("create raw with a number as experiment", "POST", f"{API}/create", json={"experiment_id": 0})
    rec.rest(
        "create raw with a time that is text",
        "POST",
        f"{API}/create",
        json={"experiment_id": exp, "start_time": "1700000000000", "run_name": "t"},
    )
    rec.rest(
        "create raw with a bad time", "POST", f"{API}/create", json={"experiment_id": exp, "start_time": "yesterday"}
    )
    rec.rest(
        "create raw with unknown fields",
        "POST",
        f"{API}/create",
        json={"experiment_id": exp, "run_name": "u", "start_time": START, "colour": "red"},
    )
    rec.rest(
        "create raw with a tag too long",
        "POST",
        f"{API}/create",
        json={"experiment_id": exp, "tags": [{"key": "k", "value": "v" * 8001}]},
    )
    rec.rest(
        "create raw with a tag of null",
        "POST",
        f"{API}/create",
        json={"experiment_id": exp, "run_name": "n", "start_time": START, "tags": [{"key": "k", "value": None}]},
    )
    rec.call("get one that is not there", c.get_run, "f" * 32)
    rec.call("get one with a bad id", c.get_run, "../etc")
    rec.rest("get raw", "GET", f"{API}/get", params={"run_id": parent})
    rec.rest("get raw by uuid", "GET", f"{API}/get", params={"run_uuid": parent})
    rec.rest("get raw without an id", "GET", f"{API}/get")


def _logged(rec, c, exp):
    run = c.create_run(exp, start_time=START, run_name="logged").info.run_id
    rec.call("log a param", c.log_param, run, "depth", 3)
    rec.call("log the param again", c.log_param, run, "depth", 3)
    rec.call("change the param", c.log_param, run, "depth", 4)
    rec.call("log an empty param", c.log_param, run, "empty", "")
    rec.call("log a param with a bad name", c.log_param, run, "a\nb", "1")
    rec.call("log a param with a path as name", c.log_param, run, "../x", "1")
    rec.call("log a param with many signs", c.log_param, run, "a_b-c.d e/f:g", "1")
    rec.call("log a param of unicode", c.log_param, run, "größe", "数据")
    rec.call("log a metric", c.log_metric, run, "loss", 0.5, timestamp=START, step=0)
    rec.call("log the metric again", c.log_metric, run, "loss", 0.5, timestamp=START, step=0)
    rec.call("log a later metric", c.log_metric, run, "loss", 0.25, timestamp=START + 1, step=1)
    rec.call("log an earlier metric", c.log_metric, run, "loss", 0.75, timestamp=START + 2, step=-1)
    rec.call("log a metric now", c.log_metric, run, "now", 1)
    rec.call("log nan", c.log_metric, run, "nan", float("nan"), timestamp=START, step=0)
    rec.call("log inf", c.log_metric, run, "inf", float("inf"), timestamp=START, step=0)
    rec.call("log -inf", c.log_metric, run, "-inf", float("-inf"), timestamp=START, step=0)
    rec.call("log a huge number", c.log_metric, run, "huge", 1.7976931348623157e308, timestamp=START, step=0)
    rec.call("log a tiny number", c.log_metric, run, "tiny", 5e-324, timestamp=START, step=0)
    rec.call("log a metric that is text", c.log_metric, run, "text", "abc")
    rec.call("log a metric that is true", c.log_metric, run, "true", True, timestamp=START, step=0)
    rec.call("log a metric with a bad name", c.log_metric, run, "a\\b", 1.0)
    rec.call("log a metric with an empty name", c.log_metric, run, "", 1.0)
    rec.call("log a metric at a negative time", c.log_metric, run, "t", 1.0, timestamp=-5, step=0)
    rec.call("log a metric at a step of a fraction", c.log_metric, run, "s", 1.0, timestamp=START, step=1.5)
    rec.call("log a metric at a huge step", c.log_metric, run, "far", 1.0, timestamp=START, step=2**62)
    rec.call("set a tag", c.set_tag, run, "who", "ann")
    rec.call("set the tag again", c.set_tag, run, "who", "bob")
    rec.call("set a tag to a number", c.set_tag, run, "n", 5)
    rec.call("set a tag with no name", c.set_tag, run, "", "x")
    rec.call("rename by a tag", c.set_tag, run, "mlflow.runName", "renamed")
    rec.call("delete a tag", c.delete_tag, run, "n")
    rec.call("delete a tag twice", c.delete_tag, run, "n")
    rec.call("get it all", c.get_run, run)
    rec.rest("get it all raw", "GET", f"{API}/get", params={"run_id": run})
    rec.call(
        "log a batch",
        c.log_batch,
        run,
        [Metric("b", 1.0, START, 0), Metric("b", 2.0, START, 1)],
        [Param("bp", "1")],
        [RunTag("bt", "2")],
    )
    rec.call(
        "log the batch again",
        c.log_batch,
        run,
        [Metric("b", 1.0, START, 0), Metric("b", 2.0, START, 1)],
        [Param("bp", "1")],
        [RunTag("bt", "2")],
    )
    rec.call("log an empty batch", c.log_batch, run)
    rec.call("log a batch that changes a param", c.log_batch, run, [Metric("lost", 1.0, START, 0)], [Param("bp", "2")])
    rec.call("the metric of that batch", lambda: "lost" in c.get_run(run).data.metrics)
    rec.call("log a batch with a param twice", c.log_batch, run, params=[Param("tw", "1"), Param("tw", "1")])
    rec.call("log a batch with a param twice, differing", c.log_batch, run, params=[Param("tx", "1"), Param("tx", "2")])
    rec.call("log a batch with a tag twice", c.log_batch, run, tags=[RunTag("tt", "1"), RunTag("tt", "2")])
    rec.call("log to nobody", c.log_metric, "f" * 32, "a", 1.0)
    rec.call("log a param to nobody", c.log_param, "f" * 32, "a", 1.0)
    rec.call("tag nobody", c.set_tag, "f" * 32, "a", "1")
    rec.call("log a batch to nobody", c.log_batch, "f" * 32, [Metric("b", 1.0, START, 0)])
    rec.call("get it all again", c.get_run, run)


def _ended(rec, c, exp):
    run = c.create_run(exp, start_time=START, run_name="ended").info.run_id
    rec.call("update the status", c.update_run, run, status="RUNNING")
    rec.call("update the name", c.update_run, run, name="other")
    rec.call("update nothing", c.update_run, run)
    rec.call("its name", lambda: [c.get_run(run).info.run_name, c.get_run(run).data.tags["mlflow.runName"]])
    rec.rest(
        "update raw", "POST", f"{API}/update", json={"run_id": run, "status": "FINISHED", "end_time": START + 5000}
    )
    rec.rest("update raw with a wrong status", "POST", f"{API}/update", json={"run_id": run, "status": "HAPPY"})
    rec.rest("update raw with a status as number", "POST", f"{API}/update", json={"run_id": run, "status": 4})
    rec.rest("update raw without an id", "POST", f"{API}/update", json={"status": "FINISHED"})
    rec.rest("update raw of nobody", "POST", f"{API}/update", json={"run_id": "f" * 32, "status": "FINISHED"})
    rec.call("terminate", c.set_terminated, run, "KILLED", START + 6000)
    rec.call("terminate with a wrong status", c.set_terminated, run, "HAPPY")
    rec.call("log after the end", c.log_metric, run, "late", 1.0, timestamp=START, step=0)
    rec.call("the ended one", c.get_run, run)
    rec.call("delete", c.delete_run, run)
    rec.call("delete twice", c.delete_run, run)
    rec.call("get a deleted one", lambda: c.get_run(run).info.lifecycle_stage)
    rec.call("log to a deleted one", c.log_metric, run, "a", 1.0)
    rec.call("log a param to a deleted one", c.log_param, run, "a", 1.0)
    rec.call("tag a deleted one", c.set_tag, run, "a", "1")
    rec.call("delete a tag of a deleted one", c.delete_tag, run, "mlflow.runName")
    rec.call("update a deleted one", c.update_run, run, status="FINISHED")
    rec.call("log a batch to a deleted one", c.log_batch, run, [Metric("b", 1.0, START, 0)])
    rec.call("restore", c.restore_run, run)
    rec.call("restore twice", c.restore_run, run)
    rec.call("delete nobody", c.delete_run, "f" * 32)
    rec.call("restore nobody", c.restore_run, "f" * 32)


def _inputs(rec, c, exp):
    run = c.create_run(exp, start_time=START, run_name="inputs").info.run_id
    table = mlflow.data.from_numpy(np.arange(6.0).reshape(3, 2), name="numbers")._to_mlflow_entity()
    rec.call("log an input", c.log_inputs, run, [DatasetInput(table, [InputTag("mlflow.data.context", "training")])])
    rec.call(
        "log the input again", c.log_inputs, run, [DatasetInput(table, [InputTag("mlflow.data.context", "testing")])]
    )
    other = DatasetEntity("other", "abc", "local", "{}", schema="[]", profile="{}")
    rec.call("log another input", c.log_inputs, run, [DatasetInput(other)])
    rec.call(
        "log two inputs of one name",
        c.log_inputs,
        run,
        [
            DatasetInput(DatasetEntity("twin", "1", "local", "{}")),
            DatasetInput(DatasetEntity("twin", "2", "local", "{}")),
        ],
    )
    rec.call("its inputs", lambda: c.get_run(run).inputs)
    rec.call("log no input", c.log_inputs, run)
    rec.call(
        "log an input with a long name", c.log_inputs, run, [DatasetInput(DatasetEntity("n" * 501, "1", "local", "{}"))]
    )
    rec.call(
        "log an input with a long digest",
        c.log_inputs,
        run,
        [DatasetInput(DatasetEntity("n", "1" * 37, "local", "{}"))],
    )
    rec.call("log an input of nobody", c.log_inputs, "f" * 32, [DatasetInput(other)])
    model = c.create_logged_model(exp, name="m", source_run_id=run)
    rec.call("log an output", c.log_outputs, run, [LoggedModelOutput(model.model_id, 3)])
    rec.call("log the output again", c.log_outputs, run, [LoggedModelOutput(model.model_id, 3)])
    rec.call("log a model as input", c.log_inputs, run, models=[LoggedModelInput(model.model_id)])
    rec.call("its outputs", lambda: c.get_run(run).outputs)
    rec.call("its model inputs", lambda: c.get_run(run).inputs.model_inputs)
    rec.rest("log inputs raw without an id", "POST", f"{API}/log-inputs", json={"datasets": []})
    rec.rest(
        "log inputs raw with a dataset without name",
        "POST",
        f"{API}/log-inputs",
        json={"run_id": run, "datasets": [{"dataset": {"digest": "1", "source_type": "a", "source": "b"}}]},
    )
    rec.rest(
        "log inputs raw without a dataset",
        "POST",
        f"{API}/log-inputs",
        json={"run_id": run, "datasets": [{"tags": []}]},
    )
    rec.rest(
        "log a model raw",
        "POST",
        f"{API}/log-model",
        json={
            "run_id": run,
            "model_json": '{"artifact_path": "m", "flavors": {"python_function": {}}, "utc_time_created": "2023-11-14 22:13:20.000000"}',
        },
    )
    rec.rest("log a model raw that is no JSON", "POST", f"{API}/log-model", json={"run_id": run, "model_json": "no"})
    rec.rest("log a model raw that misses fields", "POST", f"{API}/log-model", json={"run_id": run, "model_json": "{}"})
    rec.rest("its history of models", "GET", f"{API}/get", params={"run_id": run})
