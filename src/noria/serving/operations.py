"""Which versions of a model answer: read it, change it."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import sqlalchemy as sa

from noria.core.digest import canonical
from noria.serving.model import Routing
from noria.serving.tables import routings
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


def get_routing(ws: Workspace, model: str) -> Routing | None:
    """The last committed routing of a model, or None when it has never had one."""
    with ws.database.reading() as connection:
        return _stored(connection, model)


def get_routings(ws: Workspace) -> dict[str, Routing]:
    """The last committed routing of every model that has had one."""
    with ws.database.reading() as connection:
        rows = connection.execute(sa.select(routings.c.model, routings.c.routing)).all()
    return {model: msgspec.json.decode(text, type=Routing) for model, text in rows}


def set_routing(ws: Workspace, connection: sa.Connection, routing: Routing) -> Routing:
    """Commit a new routing in the caller's transaction; gives it with its revision, one above the last.

    The caller's own `revision` is ignored. Appends `RoutingChanged`. Servers follow within a second.
    """
    last = _stored(connection, routing.model)
    numbered = dataclasses.replace(routing, revision=(last.revision if last else 0) + 1)
    row = {"model": routing.model, "revision": numbered.revision, "routing": canonical(numbered)}
    ws.database.upsert(connection, routings, [row], ["model"])
    ws.journal.append(connection, Fact("RoutingChanged", f"model:{routing.model}", msgspec.to_builtins(numbered)))
    return numbered


def _stored(connection: sa.Connection, model: str) -> Routing | None:
    query = sa.select(routings.c.routing).where(routings.c.model == model).with_for_update()
    text = connection.execute(query).scalar_one_or_none()
    return msgspec.convert(json.loads(text), Routing) if text is not None else None
