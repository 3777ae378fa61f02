"""Logged models: what a run wrote as a model, before or without its being registered."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from noria.server.mlflow.answers import DONE, Answer, given, millis, page, pairs
from noria.server.mlflow.artifact_lists import listing
from noria.server.mlflow.faults import invalid, invalid_value, wrong_type
from noria.server.mlflow.routes import Route, reads, writes
from noria.server.mlflow.runs import metric
from noria.server.mlflow.validation import experiment_key, experiment_keys, page_size
from noria.server.mlflow.wire import Int32, Message, Names, Pair
from noria.tracking import logged_models
from noria.tracking.model import LoggedModel, ModelMetric
from noria.tracking.search.logged_models import search_logged_models
from noria.workspace.workspace import Workspace

_MOST_LISTED = 50_000
_LISTED = 100
_STATUS = {"pending": "LOGGED_MODEL_PENDING", "ready": "LOGGED_MODEL_READY", "failed": "LOGGED_MODEL_UPLOAD_FAILED"}
_STATES: dict[str | int, str] = {
    **{told: state for state, told in _STATUS.items()}, 1: "pending", 2: "ready", 3: "failed",
}  # fmt: skip


class Create(Message):
    """A new logged model, of an experiment and perhaps of a run."""

    experiment_id: str = ""
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: list[Pair] = msgspec.field(default_factory=list)
    tags: list[Pair] = msgspec.field(default_factory=list)
    required: ClassVar[Names] = ("experiment_id",)


class One(Message):
    """One logged model."""

    model_id: str = ""
    allow_deleted: str = ""


class Finalize(Message):
    """Whether a model's files have come."""

    model_id: str = ""
    status: str | int | None = None
    required: ClassVar[Names] = ("model_id", "status")


class SetTags(Message):
    """Tags of a logged model."""

    model_id: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)


class LogParams(Message):
    """Params of a logged model."""

    model_id: str = ""
    params: list[Pair] = msgspec.field(default_factory=list)
    required: ClassVar[Names] = ("model_id",)


class DeleteTag(Message):
    """A tag's name."""

    model_id: str = ""
    tag_key: str = ""


class Dataset(msgspec.Struct):
    """Which values of a model's metrics are looked at: those measured on this data set."""

    dataset_name: str = ""
    dataset_digest: str = ""


class OrderBy(msgspec.Struct):
    """One key of an order."""

    field_name: str = ""
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class Search(Message):
    """Which logged models of which experiments, in what order."""

    experiment_ids: list[str] | None = None
    filter: str = ""
    datasets: list[Dataset] = msgspec.field(default_factory=list)
    max_results: Int32 = 50
    order_by: list[OrderBy] = msgspec.field(default_factory=list)
    page_token: str = ""
    required: ClassVar[Names] = ("experiment_ids",)


class Files(Message):
    """A folder of a logged model."""

    model_id: str = ""
    artifact_directory_path: str = ""


def create(ws: Workspace, asked: Create) -> Answer:
    """Make a logged model; it is pending."""
    made = logged_models.create_logged_model(
        ws,
        experiment_key(asked.experiment_id),
        asked.name or None,
        kind=asked.model_type,
        source_run=asked.source_run_id,
        params={one.key: one.value for one in asked.params},
        tags={one.key: one.value for one in asked.tags},
    )
    return {"model": shown(made)}


def get(ws: Workspace, asked: One) -> Answer:
    """A logged model, with what was measured of it."""
    deleted = asked.allow_deleted.lower() == "true"
    return {"model": shown(logged_models.get_logged_model(ws, asked.model_id, deleted=deleted))}


def finalize(ws: Workspace, asked: Finalize) -> Answer:
    """Say that a model's files are there, or that they never will be."""
    told = int(asked.status) if isinstance(asked.status, str) and asked.status.isdecimal() else asked.status
    if told not in _STATES:
        raise wrong_type("status", told) if isinstance(told, str) else invalid(invalid_value("status", told))
    return {"model": shown(logged_models.finalize(ws, asked.model_id, _STATES[told]))}


def delete(ws: Workspace, asked: One) -> Answer:
    """Set a logged model aside."""
    logged_models.delete_logged_model(ws, asked.model_id)
    return DONE


def set_tags(ws: Workspace, asked: SetTags) -> Answer:
    """Tag a logged model; again changes nothing."""
    logged_models.set_logged_model_tags(ws, asked.model_id, [(one.key, one.value) for one in asked.tags])
    return DONE


def delete_tag(ws: Workspace, asked: DeleteTag) -> Answer:
    """Take a tag away; one that is not there is an error."""
    logged_models.delete_logged_model_tag(ws, asked.model_id, asked.tag_key)
    return DONE


def log_params(ws: Workspace, asked: LogParams) -> Answer:
    """Write params once: the same values again change nothing."""
    logged_models.log_logged_model_params(ws, asked.model_id, [(one.key, one.value) for one in asked.params])
    return DONE


def search(ws: Workspace, asked: Search) -> Answer:
    """A page of the logged models that match."""
    if any(not one.dataset_name for one in asked.datasets):
        raise invalid("`dataset_name` in the `datasets` clause must be specified.")
    found = search_logged_models(
        ws,
        experiment_keys(asked.experiment_ids or ()),
        asked.filter,
        [msgspec.structs.asdict(one) for one in asked.order_by],
        [msgspec.structs.asdict(one) for one in asked.datasets],
        limit=page_size(asked.max_results or _LISTED, _MOST_LISTED),
        token=asked.page_token or None,
    )
    return page("models", map(shown, logged_models.logged_models_by_key(ws, found.keys)), found.next_token)


def list_files(ws: Workspace, asked: Files) -> Answer:
    """What lies in a folder of a logged model."""
    root = logged_models.get_logged_model(ws, asked.model_id).artifact_root
    return listing(ws, root, asked.artifact_directory_path)


def shown(model: LoggedModel) -> Answer:
    """A logged model as the protocol shows it."""
    info: dict[str, Any] = given(
        model_id=model.id,
        experiment_id=str(model.experiment),
        name=model.name,
        creation_timestamp_ms=millis(model.created),
        last_updated_timestamp_ms=millis(model.updated),
        artifact_uri=model.artifact_root,
        status=_STATUS[model.state],
        model_type=model.kind,
        source_run_id=model.source_run,
        status_message=model.state_message,
        tags=pairs(model.tags),
    )
    return {"info": info, "data": given(params=pairs(model.params), metrics=list(map(_metric, _of(model))))}


def _of(model: LoggedModel) -> list[tuple[str, ModelMetric]]:
    return [(model.id, one) for one in model.metrics]


def _metric(of: tuple[str, ModelMetric]) -> Answer:
    model, one = of
    named = given(dataset_name=one.dataset_name, dataset_digest=one.dataset_digest)
    return metric(one.point) | named | {"model_id": model, "run_id": one.run}


ROUTES: list[Route] = [
    writes("POST", "/mlflow/logged-models", Create, create),
    reads("POST", "/mlflow/logged-models/search", Search, search),
    reads("GET", "/mlflow/logged-models/{model_id}", One, get),
    writes("PATCH", "/mlflow/logged-models/{model_id}", Finalize, finalize),
    writes("DELETE", "/mlflow/logged-models/{model_id}", One, delete),
    writes("PATCH", "/mlflow/logged-models/{model_id}/tags", SetTags, set_tags),
    writes("DELETE", "/mlflow/logged-models/{model_id}/tags/{tag_key}", DeleteTag, delete_tag),
    writes("POST", "/mlflow/logged-models/{model_id}/params", LogParams, log_params),
    reads("GET", "/mlflow/logged-models/{model_id}/artifacts/directories", Files, list_files),
]
