"""Webhooks: who is told of what happens to registered models. Secrets go in and never come out."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from noria.config.environment import environment
from noria.registry import outbox, webhooks
from noria.registry.addresses import Allowed
from noria.registry.posting import poster
from noria.registry.webhooks import Webhook
from noria.server.mlflow.answers import DONE, Answer, given, millis, page
from noria.server.mlflow.faults import invalid, invalid_value
from noria.server.mlflow.routes import Route, reads, waits, writes
from noria.server.mlflow.wire import Int32, Message, Names
from noria.workspace.workspace import Workspace

_STATUSES: dict[str | int, str] = {"ACTIVE": "ACTIVE", "DISABLED": "DISABLED", 1: "ACTIVE", 2: "DISABLED"}


class Event(msgspec.Struct):
    """What happened to what, in capitals."""

    entity: str = ""
    action: str = ""


class Create(Message):
    """A new webhook."""

    name: str = ""
    url: str = ""
    events: list[Event] | None = None
    description: str = ""
    secret: str = ""
    status: str | int | None = None
    required: ClassVar[Names] = ("name", "url", "events")


class Update(Message):
    """What is to be changed of a webhook; what is not given stays."""

    webhook_id: str = ""
    name: str = ""
    description: str | None = None
    url: str = ""
    events: list[Event] = msgspec.field(default_factory=list)
    secret: str | None = None
    status: str | int | None = None


class One(Message):
    """One webhook."""

    webhook_id: str = ""


class List(Message):
    """A page of webhooks."""

    max_results: Int32 = 100
    page_token: str = ""


class Test(Message):
    """Which event's example is to be sent."""

    webhook_id: str = ""
    event: Event | None = None


def allowed() -> Allowed:
    """Where webhooks may go: to public addresses by https, unless the environment allows more.

    `NORIA_WEBHOOK_SCHEMES` is a list such as `https,http`; `NORIA_WEBHOOK_PRIVATE=1` allows the own network.
    """
    told = environment()
    schemes = tuple(one.strip().lower() for one in told.get("NORIA_WEBHOOK_SCHEMES", "https").split(",") if one.strip())
    return Allowed(schemes, private=told.get("NORIA_WEBHOOK_PRIVATE", "") in ("1", "true"))


def create(ws: Workspace, asked: Create) -> Answer:
    """Make a webhook."""
    made = webhooks.create_webhook(
        ws,
        asked.name,
        asked.url,
        [_name(one) for one in asked.events or ()],
        description=asked.description or None,
        secret=asked.secret or None,
        status=_status(asked.status) or "ACTIVE",
        allowed=allowed(),
    )
    return {"webhook": shown(made)}


def get(ws: Workspace, asked: One) -> Answer:
    """One webhook."""
    return {"webhook": shown(webhooks.get_webhook(ws, asked.webhook_id))}


def list_all(ws: Workspace, asked: List) -> Answer:
    """A page of the webhooks, newest first."""
    if asked.page_token and not asked.page_token.isdecimal():
        raise invalid("Invalid page token, could not base64-decode")
    offset = int(asked.page_token or 0)
    found, after = webhooks.list_webhooks(ws, limit=asked.max_results, offset=offset)
    return page("webhooks", map(shown, found), None if after is None else str(after))


def update(ws: Workspace, asked: Update) -> Answer:
    """Change a webhook."""
    changed = webhooks.update_webhook(
        ws,
        asked.webhook_id,
        name=asked.name or None,
        url=asked.url or None,
        events=[_name(one) for one in asked.events] or None,
        description=asked.description,
        secret=asked.secret,
        status=_status(asked.status),
        allowed=allowed(),
    )
    return {"webhook": shown(changed)}


def delete(ws: Workspace, asked: One) -> Answer:
    """Delete a webhook."""
    webhooks.delete_webhook(ws, asked.webhook_id)
    return DONE


def try_out(ws: Workspace, asked: Test) -> Answer:
    """Send an example; takes as long as the receiver does, and so works among the readers."""
    event = _name(asked.event) if asked.event else None
    tried = outbox.try_webhook(ws, asked.webhook_id, event, poster(allowed()))
    told = given(response_status=tried.status, response_body=tried.body, error_message=tried.error)
    return {"result": {"success": tried.success, **told}}


def shown(webhook: Webhook) -> Answer:
    """A webhook as the protocol shows it."""
    events = [dict(zip(("entity", "action"), one.upper().split("."), strict=True)) for one in webhook.events]
    return given(
        webhook_id=webhook.id,
        name=webhook.name,
        description=webhook.description or None,
        url=webhook.url,
        events=events,
        status=webhook.status,
        creation_timestamp=millis(webhook.created),
        last_updated_timestamp=millis(webhook.updated),
    )


def _name(event: Event) -> str:
    return f"{event.entity}.{event.action}".lower()


def _status(told: str | int | None) -> str | None:
    if told is None:
        return None
    if told not in _STATUSES:
        raise invalid(invalid_value("status", told, "It is ACTIVE or DISABLED"))
    return _STATUSES[told]


ROUTES: list[Route] = [
    waits("POST", "/mlflow/webhooks", Create, create),
    reads("GET", "/mlflow/webhooks", List, list_all),
    reads("GET", "/mlflow/webhooks/{webhook_id}", One, get),
    waits("PATCH", "/mlflow/webhooks/{webhook_id}", Update, update),
    writes("DELETE", "/mlflow/webhooks/{webhook_id}", One, delete),
    waits("POST", "/mlflow/webhooks/{webhook_id}/test", Test, try_out),
]
