"""Looking views up: every version of each, and what was seen of its features."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from noria.core.errors import NotFound
from noria.features.model import ViewSpec
from noria.features.registry.meaning import definition, meaning
from noria.features.registry.model import ViewFigures, ViewVersion
from noria.features.tables import view_figures, view_versions
from noria.features.tables import views as view_rows
from noria.workspace.workspace import Workspace

_COLUMNS = (view_versions, view_rows.c.current)


def view_names(ws: Workspace) -> list[str]:
    """Every view that was ever recorded, by name."""
    with ws.database.reading() as connection:
        return list(connection.execute(sa.select(view_rows.c.name).order_by(view_rows.c.name)).scalars())


def view_history(ws: Workspace, name: str = "") -> list[ViewVersion]:
    """The versions of one view, or of all, by name and number. Raises NotFound for a view never recorded."""
    query = _all().order_by(view_versions.c.view, view_versions.c.number)
    if name:
        query = query.where(view_versions.c.view == name)
    with ws.database.reading() as connection:
        found = [_version(row) for row in connection.execute(query)]
    if name and not found:
        raise NotFound("view", name, view_names(ws))
    return found


def view_version(ws: Workspace, name: str, number: int | None = None) -> ViewVersion:
    """One version of a view, the current one when no number is said. Raises NotFound."""
    found = view_history(ws, name)
    for one in found:
        if one.number == number or (number is None and one.current):
            return one
    numbers = [str(one.number) for one in found]
    raise NotFound(f"version of {name}", str(number), numbers)


def versions_of(connection: sa.Connection, views: Iterable[ViewSpec]) -> dict[str, int]:
    """The recorded number of each of these very definitions; one that was never recorded is left out."""
    found = {}
    for view in views:
        same = (view_versions.c.view == view.name, view_versions.c.digest == meaning(definition(view)))
        number = connection.execute(sa.select(view_versions.c.number).where(*same)).scalar_one_or_none()
        if number is not None:
            found[view.name] = int(number)
    return found


def view_figures_of(ws: Workspace, name: str = "", number: int | None = None) -> list[ViewFigures]:
    """What was seen of views' features, newest first: one entry for each version and model."""
    query = sa.select(view_figures.c.value).order_by(view_figures.c.at.desc(), view_figures.c.view)
    if name:
        query = query.where(view_figures.c.view == name)
    if number is not None:
        query = query.where(view_figures.c.number == number)
    with ws.database.reading() as connection:
        return [msgspec.json.decode(value, type=ViewFigures) for value in connection.execute(query).scalars()]


def _all() -> sa.Select[Any]:
    return sa.select(*_COLUMNS).select_from(
        view_versions.join(view_rows, view_rows.c.name == view_versions.c.view)
    )  # fmt: skip


def _version(row: Any) -> ViewVersion:
    defined = json.loads(row.definition)
    current = row.current == row.number
    return ViewVersion(row.view, row.number, row.digest, defined, row.created, row.actor, current)
