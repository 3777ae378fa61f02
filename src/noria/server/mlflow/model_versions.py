"""Versions of registered models."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import msgspec

from noria.registry import model_versions, tags
from noria.registry.model import PROMPT_TAG, Version
from noria.registry.search import search_model_versions
from noria.registry.stages import shown as shown_stage
from noria.server.mlflow.answers import DONE, Answer, millis, page, pairs
from noria.server.mlflow.faults import invalid, wrong_type
from noria.server.mlflow.routes import Route, reads, writes
from noria.server.mlflow.sources import Source, check_prompt, checked
from noria.server.mlflow.wire import Int64, Message, Names, Pair
from noria.tracking import logged_models
from noria.workspace.workspace import Workspace

_MOST_LISTED = 200_000
_MODEL_VERSIONS = "mlflow.modelVersions"


class Create(Message):
    """A version to register: where its files lie, and which run or logged model made it."""

    name: str = ""
    source: str = ""
    run_id: str | None = None
    tags: list[Pair] = msgspec.field(default_factory=list)
    run_link: str = ""
    description: str = ""
    model_id: str | None = None
    required: ClassVar[Names] = ("name", "source")


class One(Message):
    """One version, its number as text."""

    name: str = ""
    version: str = ""
    required: ClassVar[Names] = ("name", "version")


class Unchecked(Message):
    """One version; whether it can be one is seen when it is looked for."""

    name: str = ""
    version: str = ""


class Update(One):
    """A version's new description."""

    description: str | None = None


class Move(One):
    """The stage a version shall move to."""

    stage: str = ""
    archive_existing_versions: bool = False
    required: ClassVar[Names] = ("name", "version", "stage")


class Search(Message):
    """Which versions, in what order."""

    filter: str = ""
    max_results: Int64 = _MOST_LISTED
    order_by: list[str] = msgspec.field(default_factory=list)
    page_token: str = ""


class SetTag(One):
    """A tag of a version."""

    key: str = ""
    value: str = ""
    required: ClassVar[Names] = ("name", "version", "key")


class DeleteTag(One):
    """A tag's name."""

    key: str = ""
    required: ClassVar[Names] = ("name", "version", "key")


def create(ws: Workspace, asked: Create) -> Answer:
    """Register a version. Where its files lie is checked first: a source may not lead out of what made it."""
    named = {tag.key: tag.value for tag in asked.tags}
    prompt = named.get(PROMPT_TAG, "false").lower() == "true"
    source = Source(asked.source, asked.run_id, asked.model_id)
    if prompt:
        check_prompt(source)
    else:
        source = checked(ws, source)
    made = model_versions.create_version(
        ws, asked.name, source.text, run=source.run or None, tags=named, run_link=asked.run_link or None,
        description=asked.description, logged_model=source.model or None,
    )  # fmt: skip
    if source.model and not prompt:
        _tell_logged_model(ws, source.model, made)
    return {"model_version": shown(made)}


def get(ws: Workspace, asked: One) -> Answer:
    """One version."""
    return {"model_version": shown(model_versions.get_version(ws, asked.name, asked.version))}


def update(ws: Workspace, asked: Update) -> Answer:
    """Describe a version anew."""
    return {"model_version": shown(model_versions.update_version(ws, asked.name, asked.version, asked.description))}


def move(ws: Workspace, asked: Move) -> Answer:
    """Move a version to another stage."""
    moved = model_versions.transition_stage(
        ws, asked.name, asked.version, asked.stage, archive=asked.archive_existing_versions
    )
    return {"model_version": shown(moved)}


def delete(ws: Workspace, asked: One) -> Answer:
    """Delete a version; its number is not given again."""
    model_versions.delete_version(ws, asked.name, asked.version)
    return DONE


def search(ws: Workspace, asked: Search) -> Answer:
    """A page of the versions that match, with their aliases."""
    if asked.max_results > _MOST_LISTED:
        raise wrong_type("max_results", asked.max_results)
    if asked.max_results < 1:
        raise invalid(f"Invalid value for max_results. It must be a positive integer, but got {asked.max_results}")
    found = search_model_versions(
        ws, asked.filter, asked.order_by, limit=asked.max_results, token=asked.page_token or None
    )
    return page("model_versions", map(shown, model_versions.versions_by_key(ws, found.keys)), found.next_token)


def download_uri(ws: Workspace, asked: Unchecked) -> Answer:
    """Where a version's files can be fetched."""
    return {"artifact_uri": model_versions.download_uri(ws, asked.name, asked.version)}


def set_tag(ws: Workspace, asked: SetTag) -> Answer:
    """Tag a version; again changes nothing."""
    tags.set_version_tag(ws, asked.name, asked.version, asked.key, asked.value)
    return DONE


def delete_tag(ws: Workspace, asked: DeleteTag) -> Answer:
    """Take a tag away; again changes nothing."""
    tags.delete_version_tag(ws, asked.name, asked.version, asked.key)
    return DONE


def shown(version: Version, *, aliases: bool = True) -> Answer:
    """A version as the protocol shows it; in lists of a model's newest versions without its aliases."""
    answer: dict[str, Any] = {
        "name": version.model,
        "version": str(version.number),
        "creation_timestamp": millis(version.created),
        "last_updated_timestamp": millis(version.updated or version.created),
        "current_stage": shown_stage(version.stage),
        "description": version.description or "",
        "source": version.source,
        "run_id": version.run or "",
        "status": version.status,
        "run_link": version.run_link or "",
    }
    if version.status_message:
        answer["status_message"] = version.status_message
    if version.tags:
        answer["tags"] = pairs(version.tags)
    if aliases and version.aliases:
        answer["aliases"] = list(version.aliases)
    return answer


def _tell_logged_model(ws: Workspace, model: str, made: Version) -> None:
    """Note on a logged model as which version it was registered."""
    before = logged_models.get_logged_model(ws, model).tags.get(_MODEL_VERSIONS)
    try:
        known = json.loads(before or "[]")
    except ValueError:
        known = []
    told = {"name": made.model, "version": str(made.number)}
    listed = [*known, told] if isinstance(known, list) and told not in known else [told]
    logged_models.set_logged_model_tags(ws, model, {_MODEL_VERSIONS: json.dumps(listed)})


ROUTES: list[Route] = [
    writes("POST", "/mlflow/model-versions/create", Create, create),
    writes("PATCH", "/mlflow/model-versions/update", Update, update),
    writes("POST", "/mlflow/model-versions/transition-stage", Move, move),
    writes("DELETE", "/mlflow/model-versions/delete", One, delete),
    reads("GET", "/mlflow/model-versions/get", One, get),
    reads("GET", "/mlflow/model-versions/search", Search, search),
    reads("GET", "/mlflow/model-versions/get-download-uri", Unchecked, download_uri),
    writes("POST", "/mlflow/model-versions/set-tag", SetTag, set_tag),
    writes("DELETE", "/mlflow/model-versions/delete-tag", DeleteTag, delete_tag),
]
