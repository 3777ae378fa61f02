"""What webhooks are owed, delivered at least once.

A change of the registry and the rows that tell of it are one transaction, so nothing is told that did not happen
and nothing that happened stays untold, whoever dies when. A row is claimed for a while, sent, and then marked; a
sender that dies in between leaves a claim that runs out, and the same delivery goes out again under the same id,
by which a receiver knows it. What fails is tried again after ever longer waits, and at last kept as a dead letter.

The signature is MLflow's: `X-MLflow-Signature: v1,` and the base64 of HMAC-SHA256, keyed with the webhook's secret,
of `delivery id.timestamp.body`, with the timestamp (Unix seconds) of this attempt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros, to_datetime
from noria.core.errors import NoriaError, NotFound
from noria.registry.events import PENDING
from noria.registry.examples import EXAMPLES
from noria.registry.posting import Post, Reply, post
from noria.registry.tables import outbox, webhooks
from noria.registry.webhooks import WebhookMissing, check_event
from noria.workspace.workspace import Workspace

SECOND: Micros = 1_000_000
ATTEMPTS = 12
"""How often a delivery is tried: with the waits below for about ten hours."""
_FIRST_WAIT = 5 * SECOND
_LONGEST_WAIT = 3600 * SECOND
_CLAIM = 90 * SECOND
_LONGEST_ERROR = 1000


@dataclass(frozen=True)
class Delivery:
    """One event owed to one webhook. `state` is pending, sent or dead; `due` when it is tried next."""

    id: str
    webhook: str
    event: str
    body: str
    created: Micros
    attempts: int
    state: str
    due: Micros | None
    error: str | None


@dataclass(frozen=True)
class Tried:
    """What one round of deliveries came to."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


@dataclass(frozen=True)
class Tested:
    """How a webhook answered an example; `error` when it did not answer."""

    success: bool
    status: int | None = None
    body: str | None = None
    error: str | None = None


def deliver(ws: Workspace, send: Post = post, *, limit: int = 100) -> Tried:
    """Try what is due, oldest first, until nothing is or `limit` were tried. Several processes may do so at once."""
    sent = failed = dead = 0
    for _ in range(limit):
        due = next_due(ws)
        claimed = _claim(ws) if due is not None and due <= ws.clock.now() else None
        if claimed is None:
            break
        error, wait = _try(ws, claimed, send)
        if error is None:
            _end(ws, claimed, "sent", None)
            sent += 1
        elif claimed.attempts >= ATTEMPTS:
            _end(ws, claimed, "dead", error)
            dead += 1
        else:
            _later(ws, claimed, error, wait)
            failed += 1
    return Tried(sent, failed, dead)


def next_due(ws: Workspace) -> Micros | None:
    """When the next delivery is due; None when nothing is owed."""
    query = sa.select(sa.func.min(outbox.c.due)).where(outbox.c.state == PENDING)
    with ws.database.reading() as connection:
        return connection.execute(query).scalar()


def deliveries(ws: Workspace, *, state: str | None = None, limit: int = 100) -> list[Delivery]:
    """Deliveries, newest first: all, or those in a state (`dead` are the dead letters)."""
    query = sa.select(outbox).order_by(outbox.c.seq.desc()).limit(limit)
    if state is not None:
        query = query.where(outbox.c.state == state)
    with ws.database.reading() as connection:
        return [_delivery(row) for row in connection.execute(query)]


def retry(ws: Workspace, delivery: str) -> None:
    """Owe a dead letter once more, from the first attempt on. Raises NotFound."""
    again = {"state": PENDING, "due": ws.clock.now(), "attempts": 0, "ended": None}
    with ws.database.transaction() as connection:
        chosen = (outbox.c.id == delivery, outbox.c.state == "dead")
        if not connection.execute(sa.update(outbox).where(*chosen).values(**again)).rowcount:
            raise NotFound("dead letter", delivery)


def forget_sent(ws: Workspace, before: Micros) -> int:
    """Drop what was sent before a moment; dead letters stay. Gives how many."""
    with ws.database.transaction() as connection:
        gone = sa.delete(outbox).where(outbox.c.state == "sent", outbox.c.ended < before)
        return connection.execute(gone).rowcount


def try_webhook(ws: Workspace, webhook: str, event: str | None = None, send: Post = post) -> Tested:
    """Send a webhook an example of an event, of its first one unless told. Raises WebhookMissing, BadWebhook."""
    query = sa.select(webhooks).where(webhooks.c.id == webhook, webhooks.c.deleted.is_(None))
    with ws.database.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise WebhookMissing(webhook)
    entity, _, action = check_event(event or json.loads(row.events)[0]).partition(".")
    moment = to_datetime(ws.clock.now()).isoformat()
    data = EXAMPLES[f"{entity}.{action}"]
    body = json.dumps({"entity": entity, "action": action, "timestamp": moment, "data": data})
    try:
        reply = send(row.url, body.encode(), headers(ws, ws.ids.new("delivery"), body, row.secret))
    except NoriaError as error:
        return Tested(False, error=error.message)
    return Tested(reply.received, reply.status, reply.body)


def headers(ws: Workspace, delivery: str, body: str, secret: str | None) -> dict[str, str]:
    """The headers of one attempt."""
    timestamp = str(ws.clock.now() // SECOND)
    made = {
        "Content-Type": "application/json", "X-MLflow-Delivery-Id": delivery, "X-MLflow-Timestamp": timestamp,
    }  # fmt: skip
    if secret:
        made["X-MLflow-Signature"] = signature(secret, delivery, timestamp, body)
    return made


def signature(secret: str, delivery: str, timestamp: str, body: str) -> str:
    """MLflow's signature of a request."""
    signed = hmac.new(secret.encode(), f"{delivery}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


@dataclass(frozen=True)
class _Claimed:
    id: str
    body: str
    attempts: int
    url: str
    secret: str | None


def _claim(ws: Workspace) -> _Claimed | None:
    """Take the oldest due delivery for a while, and count the attempt."""
    now = ws.clock.now()
    due = sa.select(outbox.c.id, outbox.c.body, outbox.c.attempts, webhooks.c.url, webhooks.c.secret)
    due = due.join(webhooks, webhooks.c.id == outbox.c.webhook).where(
        outbox.c.state == PENDING, outbox.c.due <= now, webhooks.c.deleted.is_(None), webhooks.c.status == "ACTIVE"
    )
    due = due.order_by(outbox.c.due, outbox.c.seq).limit(1).with_for_update(of=outbox, skip_locked=True)
    with ws.database.transaction() as connection:
        row = connection.execute(due).one_or_none()
        if row is None:
            return None
        taken = {"attempts": row.attempts + 1, "due": now + _CLAIM}
        connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(**taken))
    return _Claimed(row.id, row.body, row.attempts + 1, row.url, row.secret)


def _try(ws: Workspace, claimed: _Claimed, send: Post) -> tuple[str | None, Micros]:
    """Send once; gives what went wrong, if anything did, and how long the receiver asked to be left alone."""
    made = headers(ws, claimed.id, claimed.body, claimed.secret)
    try:
        reply = send(claimed.url, claimed.body.encode(), made)
    except NoriaError as error:
        return error.message, 0
    if reply.received:
        return None, 0
    return f"it answered {reply.status}: {reply.body}"[:_LONGEST_ERROR], _asked(reply)


def _asked(reply: Reply) -> Micros:
    return min(int((reply.retry_after or 0) * SECOND), _LONGEST_WAIT)


def _later(ws: Workspace, claimed: _Claimed, error: str, wait: Micros) -> None:
    grown = min(_FIRST_WAIT * 2 ** (claimed.attempts - 1), _LONGEST_WAIT)
    due = ws.clock.now() + max(grown, wait)
    _write(ws, claimed, {"due": due, "error": error[:_LONGEST_ERROR]})


def _end(ws: Workspace, claimed: _Claimed, state: str, error: str | None) -> None:
    _write(ws, claimed, {"state": state, "due": None, "ended": ws.clock.now(), "error": error})


def _write(ws: Workspace, claimed: _Claimed, values: Mapping[str, Any]) -> None:
    with ws.database.transaction() as connection:
        mine = (outbox.c.id == claimed.id, outbox.c.state == PENDING)
        connection.execute(sa.update(outbox).where(*mine).values(**values))


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(**{name: row._mapping[name] for name in Delivery.__dataclass_fields__})
