"""What webhooks are told: MLflow's events and payloads, put into the outbox in the transaction of the change.

An event is an entity and an action. MLflow names prompts' events differently from models', so both kinds are
told here from the same change (source: MLflow 3's `webhooks/types.py` and where its server sends each).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from noria.core.clock import to_datetime
from noria.registry.model import PROMPT_TAG
from noria.registry.names import PROMPT_TEXT
from noria.registry.tables import outbox, registered_model_tags, webhooks
from noria.workspace.workspace import Workspace

ACTIONS: dict[str, tuple[str, ...]] = {
    "registered_model": ("created",),
    "model_version": ("created",),
    "model_version_tag": ("set", "deleted"),
    "model_version_alias": ("created", "deleted"),
    "prompt": ("created",),
    "prompt_version": ("created",),
    "prompt_tag": ("set", "deleted"),
    "prompt_version_tag": ("set", "deleted"),
    "prompt_alias": ("created", "deleted"),
    "budget_policy": ("exceeded",),
}
"""Every event a webhook may ask for. Noria has no budgets, so the last one never happens here."""
PENDING = "pending"
_PROMPT_TYPE = "_mlflow_prompt_type"


def model_created(
    ws: Workspace, connection: sa.Connection, name: str, tags: Mapping[str, str], description: str | None
) -> None:
    """A registered model or prompt was made."""
    if _says_prompt(tags):
        shown = {key: value for key, value in tags.items() if key not in (PROMPT_TAG, _PROMPT_TYPE)}
        emit(ws, connection, "prompt", "created", {"name": name, "tags": shown, "description": description or ""})
        return
    data = {"name": name, "tags": dict(tags), "description": description or ""}
    emit(ws, connection, "registered_model", "created", data)


def version_created(
    ws: Workspace,
    connection: sa.Connection,
    name: str,
    number: int,
    *,
    source: str,
    run: str | None,
    tags: Mapping[str, str],
    description: str | None,
) -> None:
    """A version of a model or prompt was made."""
    if _says_prompt(tags):
        hidden = (PROMPT_TEXT, PROMPT_TAG, _PROMPT_TYPE)
        data = {
            "name": name, "version": str(number), "template": tags.get(PROMPT_TEXT),
            "tags": {key: value for key, value in tags.items() if key not in hidden},
            "description": description or None,
        }  # fmt: skip
        emit(ws, connection, "prompt_version", "created", data)
        return
    data = {
        "name": name, "version": str(number), "source": source, "run_id": run or None, "tags": dict(tags),
        "description": description or None,
    }  # fmt: skip
    emit(ws, connection, "model_version", "created", data)


def model_tag(ws: Workspace, connection: sa.Connection, name: str, key: str, value: str | None) -> None:
    """A tag of a model was set, or deleted when `value` is None. MLflow tells so of prompts only."""
    if is_prompt(connection, name):
        emit(ws, connection, "prompt_tag", _set(value), {"name": name, "key": key} | _value(value))


def version_tag(ws: Workspace, connection: sa.Connection, name: str, number: int, key: str, value: str | None) -> None:
    """A tag of a version was set, or deleted when `value` is None."""
    entity = "prompt_version_tag" if is_prompt(connection, name) else "model_version_tag"
    emit(ws, connection, entity, _set(value), {"name": name, "version": str(number), "key": key} | _value(value))


def alias_changed(ws: Workspace, connection: sa.Connection, name: str, alias: str, number: int | None) -> None:
    """An alias was pointed at a version, or deleted when `number` is None."""
    entity = "prompt_alias" if is_prompt(connection, name) else "model_version_alias"
    pointed = {} if number is None else {"version": str(number)}
    action = "deleted" if number is None else "created"
    emit(ws, connection, entity, action, {"name": name, "alias": alias} | pointed)


def emit(ws: Workspace, connection: sa.Connection, entity: str, action: str, data: Mapping[str, Any]) -> None:
    """Owe an event to every active webhook that asks for it."""
    event = f"{entity}.{action}"
    query = sa.select(webhooks.c.id, webhooks.c.events).where(
        webhooks.c.deleted.is_(None), webhooks.c.status == "ACTIVE"
    )
    asking = [row.id for row in connection.execute(query) if event in json.loads(row.events)]
    if not asking:
        return
    now = ws.clock.now()
    moment = to_datetime(now).isoformat()
    body = json.dumps({"entity": entity, "action": action, "timestamp": moment, "data": data})
    rows = [
        {
            "id": ws.ids.new("delivery"), "webhook": webhook, "event": event, "body": body,
            "created": now, "due": now, "attempts": 0, "state": PENDING,
        }
        for webhook in asking
    ]  # fmt: skip
    connection.execute(sa.insert(outbox), rows)


def is_prompt(connection: sa.Connection, name: str) -> bool:
    """Whether a registered model is one of MLflow's prompts."""
    table = registered_model_tags
    query = sa.select(table.c.value).where(table.c.model == name, table.c.name == PROMPT_TAG)
    return (connection.execute(query).scalar() or "").lower() == "true"


def _says_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(PROMPT_TAG, "false").lower() == "true"


def _set(value: str | None) -> str:
    return "deleted" if value is None else "set"


def _value(value: str | None) -> dict[str, str]:
    return {} if value is None else {"value": value}
