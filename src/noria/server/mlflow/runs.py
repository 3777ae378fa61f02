"""Runs: begin, look up, search, change, delete, restore."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from noria.server.mlflow.answers import DONE, Answer, micros, millis, number, page, pairs
from noria.server.mlflow.faults import invalid, invalid_value, wrong_type
from noria.server.mlflow.routes import Route, reads, writes
from noria.server.mlflow.validation import View, experiment_key, experiment_keys, page_size, stage_of
from noria.server.mlflow.wire import Int32, Int64, Message, Names, OfRun, Pair
from noria.tracking import runs
from noria.tracking.model import DEFAULT_EXPERIMENT, DatasetInput, Point, Run, RunState
from noria.tracking.search.runs import search_runs
from noria.workspace.workspace import Workspace

_MOST_LISTED = 50_000
_STATES: dict[str | int, RunState] = {
    "RUNNING": "running", "SCHEDULED": "scheduled", "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed",
    1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed",
}  # fmt: skip


class Create(Message):
    """A new run. `start_time` is in milliseconds; no experiment is the default one."""

    experiment_id: str = ""
    start_time: Int64 = 0
    run_name: str = ""
    user_id: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)


class One(OfRun):
    """One run."""

    required: ClassVar[Names] = ("run_id",)


class Update(OfRun):
    """What is to be changed of a run; what is not given stays."""

    end_time: Int64 | None = None
    status: str | int | None = None
    run_name: str = ""
    required: ClassVar[Names] = ("run_id",)


class Search(Message):
    """Which runs of which experiments, in what order."""

    experiment_ids: list[str] = msgspec.field(default_factory=list)
    filter: str = ""
    max_results: Int32 = 1000
    order_by: list[str] = msgspec.field(default_factory=list)
    run_view_type: View = None
    page_token: str = ""


def create(ws: Workspace, asked: Create) -> Answer:
    """Begin a run."""
    key = experiment_key(asked.experiment_id) if asked.experiment_id else DEFAULT_EXPERIMENT
    tags = {tag.key: tag.value for tag in asked.tags}
    made = runs.create_run(
        ws, key, name=asked.run_name, actor=asked.user_id, started=micros(asked.start_time), tags=tags
    )
    answer = shown(made)
    del answer["outputs"]
    return {"run": answer}


def get(ws: Workspace, asked: One) -> Answer:
    """A run with everything it logged: of each metric the newest value."""
    return {"run": shown(runs.get_run(ws, asked.run_id))}


def search(ws: Workspace, asked: Search) -> Answer:
    """A page of the runs that match."""
    if asked.max_results > _MOST_LISTED:
        raise wrong_type("max_results", asked.max_results)
    found = search_runs(
        ws,
        experiment_keys(asked.experiment_ids),
        asked.filter,
        asked.order_by,
        stage=stage_of(asked.run_view_type),
        limit=page_size(asked.max_results, _MOST_LISTED),
        token=asked.page_token or None,
    )
    return page("runs", map(shown, runs.runs_by_key(ws, found.keys)), found.next_token)


def update(ws: Workspace, asked: Update) -> Answer:
    """Change a run's state, end or name; again changes nothing."""
    ended = None if asked.end_time is None else micros(asked.end_time)
    changed = runs.update_run(ws, asked.run_id, state=_state(asked.status), ended=ended, name=asked.run_name or None)
    return {"run_info": info(changed)}


def delete(ws: Workspace, asked: One) -> Answer:
    """Set a run aside; again changes nothing."""
    runs.delete_run(ws, asked.run_id)
    return DONE


def restore(ws: Workspace, asked: One) -> Answer:
    """Bring a run back; again changes nothing."""
    runs.restore_run(ws, asked.run_id)
    return DONE


def shown(run: Run) -> Answer:
    """A run as the protocol shows it."""
    data = {}
    if run.metrics:
        data["metrics"] = [metric(point) for point in run.metrics.values()]
    if run.params:
        data["params"] = pairs(run.params)
    if run.tags:
        data["tags"] = pairs(run.tags)
    inputs: dict[str, Any] = {}
    if run.datasets:
        inputs["dataset_inputs"] = [_dataset(used) for used in run.datasets]
    if run.models_in:
        inputs["model_inputs"] = [{"model_id": link.model} for link in run.models_in]
    outputs = {}
    if run.models_out:
        outputs["model_outputs"] = [{"model_id": link.model, "step": link.step} for link in run.models_out]
    return {"info": info(run), "data": data, "inputs": inputs, "outputs": outputs}


def info(run: Run) -> Answer:
    """What a run is, without what it logged."""
    answer: dict[str, Any] = {
        "run_uuid": run.id,
        "experiment_id": str(run.experiment),
        "run_name": run.name,
        "user_id": run.actor,
        "status": run.state.upper(),
        "start_time": millis(run.started),
        "end_time": millis(run.ended) or None,
        "artifact_uri": run.artifact_root,
        "lifecycle_stage": run.stage,
        "run_id": run.id,
    }
    return {name: value for name, value in answer.items() if value is not None}


def metric(point: Point) -> Answer:
    """A value of a metric."""
    return {"key": point.metric, "value": number(point.value), "timestamp": point.at, "step": point.step}


def _dataset(used: DatasetInput) -> Answer:
    one = used.dataset
    told = {"name": one.name, "digest": one.digest, "source_type": one.source_type, "source": one.source}
    if one.schema:
        told["schema"] = one.schema
    if one.profile:
        told["profile"] = one.profile
    answer: Answer = {"tags": pairs(used.tags)} if used.tags else {}
    return {**answer, "dataset": told}


def _state(told: str | int | None) -> RunState | None:
    if told is None:
        return None
    if told not in _STATES:
        raise wrong_type("status", told) if isinstance(told, int) else invalid(invalid_value("status", told))
    return _STATES[told]


ROUTES: list[Route] = [
    writes("POST", "/mlflow/runs/create", Create, create),
    reads("GET", "/mlflow/runs/get", One, get),
    reads("POST", "/mlflow/runs/search", Search, search),
    writes("POST", "/mlflow/runs/update", Update, update),
    writes("POST", "/mlflow/runs/delete", One, delete),
    writes("POST", "/mlflow/runs/restore", One, restore),
]
