"""Experiments: make, look up, search, rename, tag, delete, restore."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from noria.server.mlflow.answers import DONE, Answer, millis, page, pairs
from noria.server.mlflow.faults import INVALID_STATE, Refused, absent, invalid
from noria.server.mlflow.routes import Route, reads, writes
from noria.server.mlflow.sources import check_host
from noria.server.mlflow.validation import View, experiment_key, page_size, stage_of
from noria.server.mlflow.wire import Int64, Message, Names, Pair
from noria.tracking import experiments
from noria.tracking.experiments import NotActive
from noria.tracking.model import Experiment
from noria.tracking.search.experiments import search_experiments
from noria.workspace.workspace import Workspace

_MOST_LISTED = 50_000


class Create(Message):
    """A new experiment, with a place for its artifacts if it shall not be the usual one."""

    name: str = ""
    artifact_location: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)
    required: ClassVar[Names] = ("name",)


class One(Message):
    """One experiment, by its number as text."""

    experiment_id: str = ""
    required: ClassVar[Names] = ("experiment_id",)


class ByName(Message):
    """One experiment, by its name."""

    experiment_name: str = ""
    required: ClassVar[Names] = ("experiment_name",)


class Search(Message):
    """Which experiments, in what order."""

    view_type: View = None
    max_results: Int64 = 0
    order_by: list[str] = msgspec.field(default_factory=list)
    filter: str = ""
    page_token: str = ""


class Rename(One):
    """An experiment's new name."""

    new_name: str = ""
    required: ClassVar[Names] = ("experiment_id", "new_name")


class SetTag(One):
    """A tag of an experiment."""

    key: str = ""
    value: str = ""
    required: ClassVar[Names] = ("experiment_id", "key")


class DeleteTag(One):
    """A tag's name."""

    key: str = ""
    required: ClassVar[Names] = ("experiment_id", "key")


def create(ws: Workspace, asked: Create) -> Answer:
    """Make an experiment."""
    if asked.artifact_location:
        _check_location(asked.artifact_location)
    tags = {tag.key: tag.value for tag in asked.tags}
    made = experiments.create_experiment(ws, asked.name, artifact_root=asked.artifact_location or None, tags=tags)
    return {"experiment_id": str(made.key)}


def get(ws: Workspace, asked: One) -> Answer:
    """One experiment in any stage."""
    return {"experiment": shown(experiments.get_experiment(ws, experiment_key(asked.experiment_id)))}


def get_by_name(ws: Workspace, asked: ByName) -> Answer:
    """The experiment of a name, in any stage."""
    found = experiments.find_experiment(ws, asked.experiment_name)
    if found is None:
        raise absent(f"Could not find experiment with name '{asked.experiment_name}'")
    return {"experiment": shown(found)}


def search(ws: Workspace, asked: Search) -> Answer:
    """A page of the experiments that match."""
    limit = page_size(asked.max_results, _MOST_LISTED)
    found = search_experiments(
        ws, asked.filter, asked.order_by, stage=stage_of(asked.view_type), limit=limit, token=asked.page_token or None
    )
    listed = experiments.experiments_by_key(ws, found.keys)
    return page("experiments", map(shown, listed), found.next_token)


def rename(ws: Workspace, asked: Rename) -> Answer:
    """Give an active experiment another name."""
    try:
        experiments.update_experiment(ws, experiment_key(asked.experiment_id), asked.new_name)
    except NotActive as error:
        raise Refused(INVALID_STATE, "Cannot rename a non-active experiment.") from error
    return DONE


def delete(ws: Workspace, asked: One) -> Answer:
    """Set an experiment and its runs aside."""
    experiments.delete_experiment(ws, experiment_key(asked.experiment_id))
    return DONE


def restore(ws: Workspace, asked: One) -> Answer:
    """Bring an experiment and its runs back."""
    experiments.restore_experiment(ws, experiment_key(asked.experiment_id))
    return DONE


def set_tag(ws: Workspace, asked: SetTag) -> Answer:
    """Tag an experiment; again changes nothing."""
    experiments.set_experiment_tag(ws, experiment_key(asked.experiment_id), asked.key, asked.value)
    return DONE


def delete_tag(ws: Workspace, asked: DeleteTag) -> Answer:
    """Take a tag away; one that is not there is an error."""
    experiments.delete_experiment_tag(ws, experiment_key(asked.experiment_id), asked.key)
    return DONE


def shown(experiment: Experiment) -> Answer:
    """An experiment as the protocol shows it."""
    answer: dict[str, Any] = {
        "experiment_id": str(experiment.key),
        "name": experiment.name,
        "artifact_location": experiment.artifact_root,
        "lifecycle_stage": experiment.stage,
        "last_update_time": millis(experiment.updated),
        "creation_time": millis(experiment.created),
    }
    if experiment.tags:
        answer["tags"] = pairs(experiment.tags)
    answer["workspace"] = "default"
    return answer


def _check_location(location: str) -> None:
    parts = urlsplit(location)
    if parts.fragment or ";" in parts.path:
        raise invalid("'artifact_location' URL can't include fragments or params.")
    if ".." in parts.query:
        raise invalid("Invalid query string")
    check_host("artifact_location", parts)
    if location.startswith("runs:"):
        raise invalid(f"Artifact location cannot be a runs:/ URI. Given: '{location}'")


ROUTES: list[Route] = [
    writes("POST", "/mlflow/experiments/create", Create, create),
    reads("GET", "/mlflow/experiments/get", One, get),
    reads("GET", "/mlflow/experiments/get-by-name", ByName, get_by_name),
    reads("GET", "/mlflow/experiments/search", Search, search),
    reads("POST", "/mlflow/experiments/search", Search, search),
    writes("POST", "/mlflow/experiments/update", Rename, rename),
    writes("POST", "/mlflow/experiments/delete", One, delete),
    writes("POST", "/mlflow/experiments/restore", One, restore),
    writes("POST", "/mlflow/experiments/set-experiment-tag", SetTag, set_tag),
    writes("POST", "/mlflow/experiments/delete-experiment-tag", DeleteTag, delete_tag),
]
