"""Tags of models and of versions. Setting one again, or deleting one that is not there, changes nothing."""

from __future__ import annotations

import sqlalchemy as sa

from noria.registry import events, reading
from noria.registry.changes import brief, changing, tell
from noria.registry.names import Number, check_model_name, check_number, check_tag, check_tag_name
from noria.registry.tables import registered_model_tags, version_tags
from noria.workspace.workspace import Workspace


def set_model_tag(ws: Workspace, model: str, name: str, value: str | None) -> None:
    """Tag a model. Raises ModelMissing."""
    check_model_name(model)
    name, value = check_tag(name, value, of_version=False)
    with changing(ws) as connection:
        before = reading.get_model(connection, model).tags.get(name)
        if before == value:
            return
        row = {"model": model, "name": name, "value": value}
        ws.database.upsert(connection, registered_model_tags, [row], ["model", "name"])
        tell(ws, connection, "ModelTagged", model, {"tag": name, "before": brief(before), "after": brief(value)})
        events.model_tag(ws, connection, model, name, value)


def delete_model_tag(ws: Workspace, model: str, name: str) -> None:
    """Take a tag off a model. Raises ModelMissing."""
    check_model_name(model)
    check_tag_name(name)
    with changing(ws) as connection:
        before = reading.get_model(connection, model).tags.get(name)
        if before is None:
            return
        prompt = events.is_prompt(connection, model)
        chosen = (registered_model_tags.c.model == model, registered_model_tags.c.name == name)
        connection.execute(sa.delete(registered_model_tags).where(*chosen))
        tell(ws, connection, "ModelTagRemoved", model, {"tag": name, "before": brief(before)})
        if prompt:
            events.model_tag(ws, connection, model, name, None)


def set_version_tag(ws: Workspace, model: str, number: Number, name: str, value: str | None) -> None:
    """Tag a version. Raises VersionMissing, NoTagValue."""
    check_model_name(model)
    place = check_number(number)
    name, value = check_tag(name, value, of_version=True)
    with changing(ws) as connection:
        before = reading.get_version(connection, model, place).tags.get(name)
        if before == value:
            return
        row = {"model": model, "number": place, "name": name, "value": value}
        ws.database.upsert(connection, version_tags, [row], ["model", "number", "name"])
        told = {"version": place, "tag": name, "before": brief(before), "after": brief(value)}
        tell(ws, connection, "VersionTagged", model, told)
        events.version_tag(ws, connection, model, place, name, value)


def delete_version_tag(ws: Workspace, model: str, number: Number, name: str) -> None:
    """Take a tag off a version. Raises VersionMissing."""
    check_model_name(model)
    place = check_number(number)
    check_tag_name(name)
    with changing(ws) as connection:
        before = reading.get_version(connection, model, place).tags.get(name)
        if before is None:
            return
        chosen = (version_tags.c.model == model, version_tags.c.number == place, version_tags.c.name == name)
        connection.execute(sa.delete(version_tags).where(*chosen))
        tell(ws, connection, "VersionTagRemoved", model, {"version": place, "tag": name, "before": brief(before)})
        events.version_tag(ws, connection, model, place, name, None)
