"""Registered models: make, look up, describe, rename, delete. MLflow's prompts are registered models too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from noria.registry import events, reading
from noria.registry.changes import brief, changing, tell
from noria.registry.model import PROMPT_TAG, InUse, RegisteredModel, Version
from noria.registry.names import ModelExists, NameTaken, check_model_name, check_tags, check_text
from noria.registry.stages import canonical_stage, shown
from noria.registry.tables import (
    aliases,
    policies,
    registered_model_tags,
    registered_models,
    signatures,
    version_tags,
    versions,
)
from noria.workspace.workspace import Workspace

_HELD = ("production", "rollout")


def create_model(
    ws: Workspace, name: str, *, tags: Mapping[str, str] | None = None, description: str | None = None
) -> RegisteredModel:
    """Register a name. Raises ModelExists, and for a name or tag that cannot be one what `names` says."""
    check_model_name(name, new=True)
    checked = check_tags(tags or {}, of_version=False)
    check_text("description", description)
    with changing(ws) as connection:
        if existing := reading.models_by_name(connection, [name]):
            was = PROMPT_TAG in existing[0].tags
            raise ModelExists(name, was_prompt=was, is_prompt=PROMPT_TAG in checked)
        add_model(ws, connection, name, checked, description)
        told = {"description": brief(description), "tags": {key: brief(value) for key, value in checked.items()}}
        tell(ws, connection, "ModelRegistered", name, told)
        return reading.get_model(connection, name)


def add_model(
    ws: Workspace, connection: sa.Connection, name: str, tags: Mapping[str, str], description: str | None = None
) -> None:
    """Write a new model's rows in the caller's transaction, which tells the journal of it."""
    now = ws.clock.now()
    row = {"name": name, "created": now, "updated": now, "description": description}
    connection.execute(sa.insert(registered_models).values(**row))
    if tags:
        rows = [{"model": name, "name": key, "value": value} for key, value in tags.items()]
        connection.execute(sa.insert(registered_model_tags), rows)
    events.model_created(ws, connection, name, tags, description)


def get_model(ws: Workspace, name: str) -> RegisteredModel:
    """One registered model. Raises ModelMissing."""
    check_model_name(name)
    with ws.database.reading() as connection:
        return reading.get_model(connection, name)


def models_by_name(ws: Workspace, names: Sequence[str]) -> list[RegisteredModel]:
    """Registered models in the order of their names as given; one that is gone is left out."""
    with ws.database.reading() as connection:
        return reading.models_by_name(connection, names)


def list_models(ws: Workspace) -> list[RegisteredModel]:
    """Every registered model, by name."""
    with ws.database.reading() as connection:
        return reading.models_by_name(connection, reading.all_names(connection))


def update_model(ws: Workspace, name: str, description: str | None) -> RegisteredModel:
    """Describe a model anew. Raises ModelMissing."""
    check_model_name(name)
    check_text("description", description)
    with changing(ws) as connection:
        before = reading.get_model(connection, name)
        changes = {"description": description, "updated": ws.clock.now()}
        connection.execute(sa.update(registered_models).where(registered_models.c.name == name).values(**changes))
        if before.description != description:
            told = {"before": brief(before.description), "after": brief(description)}
            tell(ws, connection, "ModelDescribed", name, told)
        return reading.get_model(connection, name)


def rename_model(ws: Workspace, name: str, new_name: str) -> RegisteredModel:
    """Call a model something else; its versions, tags, aliases and history come along.

    Raises NameTaken, ModelMissing, and InUse for a model of which Noria serves or rolls out a version: servers,
    routes and monitors know it by its name.
    """
    check_model_name(new_name, "new_name", new=True)
    check_model_name(name)
    with changing(ws) as connection:
        reading.must_exist(connection, name)
        if new_name != name and reading.models_by_name(connection, [new_name]):
            raise NameTaken(new_name)
        if new_name != name:
            _refuse_held(connection, name, "renamed")
        now = ws.clock.now()
        chosen = registered_models.c.name == name
        connection.execute(sa.update(registered_models).where(chosen).values(name=new_name, updated=now))
        connection.execute(sa.update(versions).where(versions.c.model == new_name).values(updated=now))
        connection.execute(sa.update(policies).where(policies.c.model == name).values(model=new_name))
        for told in (new_name, name) if new_name != name else ():  # either name's entries tell of the other
            tell(ws, connection, "ModelRenamed", told, {"before": name, "after": new_name})
        return reading.get_model(connection, new_name)


def delete_model(ws: Workspace, name: str) -> None:
    """Delete a model with its versions, tags and aliases; the journal keeps what happened to it.

    Raises ModelMissing, and InUse for a model of which Noria serves or rolls out a version.
    """
    check_model_name(name)
    with changing(ws) as connection:
        before = reading.get_model(connection, name)
        _refuse_held(connection, name, "deleted")
        held = {"versions": reading.numbers(connection, name), "aliases": dict(before.aliases)}
        for table in (signatures, version_tags, aliases, registered_model_tags, policies, versions):
            connection.execute(sa.delete(table).where(table.c.model == name))
        connection.execute(sa.delete(registered_models).where(registered_models.c.name == name))
        tell(ws, connection, "ModelDeleted", name, {"before": held})


def latest_versions(ws: Workspace, name: str, stages: Sequence[str] = ()) -> list[Version]:
    """The highest version of each of MLflow's stages, or of those asked for. Raises ModelMissing, UnknownStage."""
    latest = get_model(ws, name).latest
    wanted = {canonical_stage(stage) for stage in stages}
    return [one for one in latest if not wanted or shown(one.stage) in wanted]


def _refuse_held(connection: sa.Connection, name: str, what: str) -> None:
    held = reading.versions_where(connection, versions.c.model == name, versions.c.stage.in_(_HELD))
    if numbers := [str(one.number) for one in held if one.package]:
        raise InUse(
            f"{name} cannot be {what}: Noria serves or rolls out version {', '.join(numbers)} under that name",
            hint="take it out of production first",
        )
