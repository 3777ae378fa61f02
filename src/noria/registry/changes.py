"""How the registry changes: one change at a time, each told to the journal in its own transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import digest
from noria.registry.model import subject
from noria.registry.tables import registered_models, versions
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace

_TOLD_WHOLE = 1000


@contextmanager
def changing(ws: Workspace, connection: sa.Connection | None = None) -> Iterator[sa.Connection]:
    """The caller's transaction, or one of its own; nobody else changes the registry until it ends."""
    if connection is not None:
        alone(ws, connection)
        yield connection
        return
    with ws.database.transaction() as own:
        alone(ws, own)
        yield own


def alone(ws: Workspace, connection: sa.Connection) -> None:
    """One change of the registry at a time: appending no fact still takes the journal's lock."""
    ws.journal.append(connection)


def tell(ws: Workspace, connection: sa.Connection, kind: str, model: str, data: Mapping[str, Any]) -> None:
    """Say what happened to a model; who did it and when, the journal adds."""
    ws.journal.append(connection, Fact(kind, subject(model), data))


def brief(text: str | None) -> Any:
    """A text as the journal tells it: long ones by digest and length, for a prompt may have 100,000 characters."""
    if text is None or len(text) <= _TOLD_WHOLE:
        return text
    return {"digest": digest(text), "characters": len(text)}


def touch_model(connection: sa.Connection, name: str, now: Micros) -> None:
    """A model counts as updated when it, its versions or their stages change; tags and aliases do not count."""
    connection.execute(sa.update(registered_models).where(registered_models.c.name == name).values(updated=now))


def change_version(connection: sa.Connection, model: str, number: int, **values: Any) -> None:
    """Write columns of one version's row."""
    chosen = (versions.c.model == model, versions.c.number == number)
    connection.execute(sa.update(versions).where(*chosen).values(**values))
