"""Recording the views of a plan: a new meaning is a new version, the same meaning is nothing new.

Any number of processes may record at once. They queue at the journal's lock, so each meaning gets one number,
and each change one fact in its own transaction. A definition that is taken back is no new version: the older
one is current again, and what was backfilled for it stays good.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import BadInput
from noria.features.model import ViewSpec
from noria.features.registry.changes import changes
from noria.features.registry.meaning import Definition, definition, meaning
from noria.features.registry.model import Recorded, entities_of, subject
from noria.features.tables import view_versions
from noria.features.tables import views as view_rows
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


class AmbiguousView(BadInput):
    """Two views of one plan have the same name and do not mean the same."""

    code = "N3111"


def record(ws: Workspace, views: Iterable[ViewSpec]) -> list[Recorded]:
    """Record views in a transaction of their own; one read when all of them are current already.

    Raises AmbiguousView.
    """
    defined = _by_name(views)
    with ws.database.reading() as connection:
        found = [_standing(connection, name, meaning(one)) for name, one in defined.items()]
    if all(found):
        return [one for one in found if one]
    with ws.database.transaction() as connection:
        return _record(ws, connection, defined)


def record_within(ws: Workspace, connection: sa.Connection, views: Iterable[ViewSpec]) -> list[Recorded]:
    """Record views inside the caller's transaction. Raises AmbiguousView."""
    return _record(ws, connection, _by_name(views))


def _by_name(views: Iterable[ViewSpec]) -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for view in views:
        defined = definition(view)
        known = found.setdefault(view.name, defined)
        if meaning(known) != meaning(defined):
            said = "; ".join(changes(known, defined))
            raise AmbiguousView(f"two views are called {view.name}: {said}", hint="give one of them another name")
    return found


def _record(ws: Workspace, connection: sa.Connection, defined: dict[str, Definition]) -> list[Recorded]:
    ws.journal.append(connection)  # one change at a time: no fact, but the journal's lock
    return [_record_one(ws, connection, name, one) for name, one in sorted(defined.items())]


def _record_one(ws: Workspace, connection: sa.Connection, name: str, defined: Definition) -> Recorded:
    named = meaning(defined)
    if standing := _standing(connection, name, named):
        return standing
    before = _current(connection, name)
    known = sa.select(view_versions.c.number).where(view_versions.c.view == name, view_versions.c.digest == named)
    number = connection.execute(known).scalar_one_or_none()
    if number is not None:
        _make_current(ws, connection, name, number)
        facts = {"version": number, "previous": before[0] if before else None, "digest": named}
        ws.journal.append(connection, Fact("FeatureViewReturned", subject(name), facts))
        return Recorded(name, number, "returned")
    if before is None:
        now = ws.clock.now()
        row = {"name": name, "current": 1, "created": now, "updated": now}
        connection.execute(sa.insert(view_rows).values(**row))
        _insert(ws, connection, name, 1, named, defined)
        told = {
            "version": 1, "digest": named, "source": defined["source"], "entities": list(entities_of(defined)),
            "features": [one["name"] for one in defined["features"]],
        }  # fmt: skip
        ws.journal.append(connection, Fact("FeatureViewRegistered", subject(name), told))
        return Recorded(name, 1, "registered")
    number = _next(connection, name)
    _insert(ws, connection, name, number, named, defined)
    _make_current(ws, connection, name, number)
    told = {"version": number, "previous": before[0], "digest": named, "changes": changes(before[1], defined)}
    ws.journal.append(connection, Fact("FeatureViewVersioned", subject(name), told))
    return Recorded(name, number, "versioned")


def _standing(connection: sa.Connection, name: str, named: str) -> Recorded | None:
    """The view as it stands, when this meaning is the current one."""
    query = sa.select(view_rows.c.current).select_from(_with_current()).where(
        view_rows.c.name == name, view_versions.c.digest == named
    )  # fmt: skip
    number = connection.execute(query).scalar_one_or_none()
    return None if number is None else Recorded(name, number, "unchanged")


def _current(connection: sa.Connection, name: str) -> tuple[int, Definition] | None:
    query = sa.select(view_versions.c.number, view_versions.c.definition).select_from(_with_current())
    row = connection.execute(query.where(view_rows.c.name == name)).one_or_none()
    return (row.number, json.loads(row.definition)) if row else None


def _with_current() -> sa.Join:
    same = sa.and_(view_versions.c.view == view_rows.c.name, view_versions.c.number == view_rows.c.current)
    return view_rows.join(view_versions, same)


def _next(connection: sa.Connection, name: str) -> int:
    newest = sa.select(sa.func.max(view_versions.c.number)).where(view_versions.c.view == name)
    return int(connection.execute(newest).scalar_one()) + 1


def _insert(ws: Workspace, connection: sa.Connection, name: str, number: int, named: str, defined: Definition) -> None:
    row = {
        "view": name, "number": number, "digest": named, "definition": canonical(defined), "created": ws.clock.now(),
        "actor": ws.actor,
    }  # fmt: skip
    connection.execute(sa.insert(view_versions).values(**row))


def _make_current(ws: Workspace, connection: sa.Connection, name: str, number: int) -> None:
    values = {"current": number, "updated": ws.clock.now()}
    connection.execute(sa.update(view_rows).where(view_rows.c.name == name).values(**values))
