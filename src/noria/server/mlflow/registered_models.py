"""Registered models, their tags and aliases. Prompts are registered models, too."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from noria.registry import aliases, registered_models, tags
from noria.registry.model import RegisteredModel
from noria.registry.search import search_registered_models
from noria.server.mlflow.answers import DONE, Answer, given, millis, page, pairs
from noria.server.mlflow.faults import invalid, wrong_type
from noria.server.mlflow.model_versions import shown as shown_version
from noria.server.mlflow.routes import Route, reads, writes
from noria.server.mlflow.wire import Int64, Message, Names, Pair
from noria.workspace.workspace import Workspace

_MOST_LISTED = 1000


class Create(Message):
    """A name to register."""

    name: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)
    description: str = ""
    required: ClassVar[Names] = ("name",)


class One(Message):
    """One registered model."""

    name: str = ""
    required: ClassVar[Names] = ("name",)


class Update(One):
    """A model's new description."""

    description: str = ""


class Rename(One):
    """A model's new name."""

    new_name: str = ""
    required: ClassVar[Names] = ("name", "new_name")


class Search(Message):
    """Which registered models, in what order."""

    filter: str = ""
    max_results: Int64 = 100
    order_by: list[str] = msgspec.field(default_factory=list)
    page_token: str = ""


class Latest(One):
    """Of which stages the newest versions are asked for; of all when none is named."""

    stages: list[str] = msgspec.field(default_factory=list)


class SetTag(One):
    """A tag of a registered model."""

    key: str = ""
    value: str = ""
    required: ClassVar[Names] = ("name", "key")


class DeleteTag(One):
    """A tag's name."""

    key: str = ""
    required: ClassVar[Names] = ("name", "key")


class Alias(One):
    """An alias of a registered model."""

    alias: str = ""
    required: ClassVar[Names] = ("name", "alias")


class SetAlias(Alias):
    """An alias, and the version it shall point at."""

    version: str = ""
    required: ClassVar[Names] = ("name", "alias", "version")


def create(ws: Workspace, asked: Create) -> Answer:
    """Register a name."""
    named = {tag.key: tag.value for tag in asked.tags}
    made = registered_models.create_model(ws, asked.name, tags=named, description=asked.description or None)
    return {"registered_model": shown(made)}


def get(ws: Workspace, asked: One) -> Answer:
    """A registered model, with the newest version of each stage."""
    return {"registered_model": shown(registered_models.get_model(ws, asked.name))}


def update(ws: Workspace, asked: Update) -> Answer:
    """Describe a model anew."""
    return {"registered_model": shown(registered_models.update_model(ws, asked.name, asked.description))}


def rename(ws: Workspace, asked: Rename) -> Answer:
    """Call a model something else."""
    return {"registered_model": shown(registered_models.rename_model(ws, asked.name, asked.new_name))}


def delete(ws: Workspace, asked: One) -> Answer:
    """Delete a model with its versions."""
    registered_models.delete_model(ws, asked.name)
    return DONE


def search(ws: Workspace, asked: Search) -> Answer:
    """A page of the registered models that match."""
    if asked.max_results > _MOST_LISTED:
        raise wrong_type("max_results", asked.max_results)
    if asked.max_results < 1:
        raise invalid(f"Invalid value for max_results. It must be a positive integer, but got {asked.max_results}")
    found = search_registered_models(
        ws, asked.filter, asked.order_by, limit=asked.max_results, token=asked.page_token or None
    )
    listed = registered_models.models_by_name(ws, found.keys)
    return page("registered_models", map(shown, listed), found.next_token)


def latest_versions(ws: Workspace, asked: Latest) -> Answer:
    """The newest version of each stage."""
    found = registered_models.latest_versions(ws, asked.name, asked.stages)
    return given(model_versions=[shown_version(one, aliases=False) for one in found])


def set_tag(ws: Workspace, asked: SetTag) -> Answer:
    """Tag a model; again changes nothing."""
    tags.set_model_tag(ws, asked.name, asked.key, asked.value)
    return DONE


def delete_tag(ws: Workspace, asked: DeleteTag) -> Answer:
    """Take a tag away; again changes nothing."""
    tags.delete_model_tag(ws, asked.name, asked.key)
    return DONE


def set_alias(ws: Workspace, asked: SetAlias) -> Answer:
    """Point an alias at a version; again changes nothing."""
    aliases.set_alias(ws, asked.name, asked.alias, asked.version)
    return DONE


def delete_alias(ws: Workspace, asked: Alias) -> Answer:
    """Take an alias away; again changes nothing."""
    aliases.delete_alias(ws, asked.name, asked.alias)
    return DONE


def version_by_alias(ws: Workspace, asked: Alias) -> Answer:
    """The version that an alias points at."""
    return {"model_version": shown_version(aliases.version_by_alias(ws, asked.name, asked.alias))}


def shown(model: RegisteredModel) -> Answer:
    """A registered model as the protocol shows it."""
    answer: dict[str, Any] = given(
        name=model.name,
        creation_timestamp=millis(model.created),
        last_updated_timestamp=millis(model.updated),
        description=model.description or None,
        latest_versions=[shown_version(one, aliases=False) for one in model.latest],
        tags=pairs(model.tags),
        aliases=[{"alias": alias, "version": str(version)} for alias, version in model.aliases.items()],
    )
    return answer


ROUTES: list[Route] = [
    writes("POST", "/mlflow/registered-models/create", Create, create),
    writes("POST", "/mlflow/registered-models/rename", Rename, rename),
    writes("PATCH", "/mlflow/registered-models/update", Update, update),
    writes("DELETE", "/mlflow/registered-models/delete", One, delete),
    reads("GET", "/mlflow/registered-models/get", One, get),
    reads("GET", "/mlflow/registered-models/search", Search, search),
    reads("GET", "/mlflow/registered-models/get-latest-versions", Latest, latest_versions),
    reads("POST", "/mlflow/registered-models/get-latest-versions", Latest, latest_versions),
    writes("POST", "/mlflow/registered-models/set-tag", SetTag, set_tag),
    writes("DELETE", "/mlflow/registered-models/delete-tag", DeleteTag, delete_tag),
    writes("POST", "/mlflow/registered-models/alias", SetAlias, set_alias),
    writes("DELETE", "/mlflow/registered-models/alias", Alias, delete_alias),
    reads("GET", "/mlflow/registered-models/alias", Alias, version_by_alias),
]
