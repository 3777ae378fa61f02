"""Webhooks: who asks to be told of what. Made, looked up, changed, deleted; a secret goes in and never comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical
from noria.core.errors import BadInput, NotFound
from noria.registry.addresses import PUBLIC, Allowed, check_url
from noria.registry.changes import changing
from noria.registry.events import ACTIONS, PENDING
from noria.registry.names import check_text
from noria.registry.tables import outbox, webhooks
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace

STATUSES = ("ACTIVE", "DISABLED")
MOST_AT_ONCE = 1000
_NAME = re.compile(r"(?=.{1,63}\Z)[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z", re.IGNORECASE)
_LONGEST_TEXT = 1000


class BadWebhook(BadInput):
    """Something of a webhook that cannot be so. `field` is `name`, `events`, `status` or `max_results`."""

    code = "N5061"

    def __init__(self, field: str, given: object, why: str) -> None:
        super().__init__(f"a webhook's {field} cannot be {str(given)[:200]!r}: {why}")
        self.field, self.given = field, given


class WebhookMissing(NotFound):
    """There is no such webhook, or no more."""

    code = "N5062"

    def __init__(self, webhook: str) -> None:
        super().__init__("webhook", webhook)
        self.webhook = webhook


@dataclass(frozen=True)
class Webhook:
    """Who asks to be told: `events` are `entity.action`, `signed` whether there is a secret to sign with."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    status: str
    created: Micros
    updated: Micros
    description: str | None = None
    signed: bool = False


def create_webhook(
    ws: Workspace,
    name: str,
    url: str,
    events: Sequence[str],
    *,
    description: str | None = None,
    secret: str | None = None,
    status: str = "ACTIVE",
    allowed: Allowed = PUBLIC,
) -> Webhook:
    """Make a webhook. Raises BadWebhook, BadUrl, TooLong."""
    row = _checked({"name": name, "url": url, "events": events, "status": status}, allowed)
    row |= _checked({"description": description, "secret": secret or None}, allowed)
    now, made = ws.clock.now(), ws.ids.new("webhook")
    with changing(ws) as connection:
        connection.execute(sa.insert(webhooks).values(id=made, created=now, updated=now, **row))
        _tell(ws, connection, "WebhookCreated", made, {"name": name, "url": url, "events": list(events)})
        return _webhook(_row(connection, made))


def get_webhook(ws: Workspace, webhook: str) -> Webhook:
    """One webhook. Raises WebhookMissing."""
    with ws.database.reading() as connection:
        return _webhook(_row(connection, webhook))


def list_webhooks(ws: Workspace, *, limit: int = 100, offset: int = 0) -> tuple[list[Webhook], int | None]:
    """Webhooks, newest first, and the offset of the next page if there is one. Raises BadWebhook."""
    if not 1 <= limit <= MOST_AT_ONCE:
        raise BadWebhook("max_results", limit, f"it is a number from 1 to {MOST_AT_ONCE}")
    query = sa.select(webhooks).where(webhooks.c.deleted.is_(None))
    query = query.order_by(webhooks.c.created.desc(), webhooks.c.id.desc()).limit(limit + 1).offset(offset)
    with ws.database.reading() as connection:
        found = [_webhook(row) for row in connection.execute(query)]
    return found[:limit], offset + limit if len(found) > limit else None


def update_webhook(
    ws: Workspace,
    webhook: str,
    *,
    name: str | None = None,
    url: str | None = None,
    events: Sequence[str] | None = None,
    description: str | None = None,
    secret: str | None = None,
    status: str | None = None,
    allowed: Allowed = PUBLIC,
) -> Webhook:
    """Change what is given; an empty secret takes it away. Raises WebhookMissing, BadWebhook, BadUrl."""
    given = {
        "name": name, "url": url, "events": events, "description": description, "secret": secret, "status": status,
    }  # fmt: skip
    changes = _checked({key: value for key, value in given.items() if value is not None}, allowed)
    with changing(ws) as connection:
        _row(connection, webhook)
        values = {**changes, "updated": ws.clock.now()}
        connection.execute(sa.update(webhooks).where(webhooks.c.id == webhook).values(**values))
        told = {key: value for key, value in changes.items() if key != "secret"} | {"fields": sorted(changes)}
        _tell(ws, connection, "WebhookChanged", webhook, told)
        return _webhook(_row(connection, webhook))


def delete_webhook(ws: Workspace, webhook: str) -> None:
    """Delete a webhook; what it was still owed is not delivered. Raises WebhookMissing."""
    with changing(ws) as connection:
        _row(connection, webhook)
        now = ws.clock.now()
        gone = {"deleted": now, "updated": now, "secret": None}
        connection.execute(sa.update(webhooks).where(webhooks.c.id == webhook).values(**gone))
        owed = sa.update(outbox).where(outbox.c.webhook == webhook, outbox.c.state == PENDING)
        connection.execute(owed.values(state="dead", due=None, ended=now, error="the webhook was deleted"))
        _tell(ws, connection, "WebhookDeleted", webhook, {})


def check_event(event: str) -> str:
    """An event as `entity.action`. Raises BadWebhook."""
    entity, _, action = str(event).partition(".")
    if action not in ACTIONS.get(entity, ()):
        known = [f"{one}.{action}" for one, actions in ACTIONS.items() for action in actions]
        raise BadWebhook("events", event, f"there are: {', '.join(known)}")
    return event


def _checked(given: dict[str, Any], allowed: Allowed) -> dict[str, Any]:
    """Columns from what was given, each checked."""
    row = dict(given)
    if "name" in row and not (isinstance(row["name"], str) and _NAME.match(row["name"])):
        raise BadWebhook("name", row["name"], "1 to 63 letters, digits, '.', '_' and '-', the ends letters or digits")
    if "url" in row:
        check_url(row["url"], allowed)
    if "events" in row:
        asked = row["events"]
        if isinstance(asked, str) or not asked:
            raise BadWebhook("events", asked, "it is a list with at least one event")
        row["events"] = canonical(list(dict.fromkeys(check_event(one) for one in asked)))
    if row.get("status", "ACTIVE") not in STATUSES:
        raise BadWebhook("status", row["status"], f"it is one of: {', '.join(STATUSES)}")
    for name in ("description", "secret"):
        check_text(name, row.get(name), _LONGEST_TEXT)
    return row


def _row(connection: sa.Connection, webhook: str) -> sa.Row[Any]:
    query = sa.select(webhooks).where(webhooks.c.id == webhook, webhooks.c.deleted.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise WebhookMissing(webhook)
    return row


def _webhook(row: sa.Row[Any]) -> Webhook:
    return Webhook(
        row.id, row.name, row.url, tuple(json.loads(row.events)), row.status, row.created, row.updated,
        row.description, signed=bool(row.secret),
    )  # fmt: skip


def _tell(ws: Workspace, connection: sa.Connection, kind: str, webhook: str, data: dict[str, Any]) -> None:
    ws.journal.append(connection, Fact(kind, f"webhook:{webhook}", data))
