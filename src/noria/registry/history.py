"""What was what, and when: aliases and stages as views of the journal, across renames and deletions.

A name is worn by a model for a stretch of the journal. A model's life is a chain of such stretches: it is
registered under a name, renamed perhaps, deleted perhaps. What a name means at a past moment: the life of the
model that wears it today, if that model was there already; otherwise of the one that wore it then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.registry.model import PRODUCTION, Stage, subject
from noria.registry.tables import registered_models
from noria.stores.journal import journal
from noria.workspace.workspace import Workspace

MOVES = ("VersionPromoted", "VersionRolledBack", "AliasMoved", "AliasRemoved")
"""The facts that move an alias."""
_STAGES = ("VersionRegistered", "StageChanged", "VersionDeleted")
_NAMES = ("ModelRegistered", "ModelRenamed", "ModelDeleted")
_EVER = 2**62
IMPORTED = "imported"
"""The key of a fact that came in a bundle: when and by whom it was said, and its entry's hash there."""


@dataclass(frozen=True)
class Stretch:
    """The entries under which one model wore one name: numbered above `after` and below `before`."""

    name: str
    after: int
    before: int


@dataclass(frozen=True)
class Told:
    """An entry of the journal as it counts: one that came in a bundle, by when and by whom it was said elsewhere.

    `origin` is the hash of the entry where it was first written; `imported` whether that was in another journal.
    """

    seq: int
    at: Micros
    kind: str
    actor: str
    data: Mapping[str, Any]
    origin: str
    imported: bool = False


@dataclass(frozen=True)
class Move:
    """An alias came to a version, or to none (`version` is None): how, when, by whom and why."""

    seq: int
    at: Micros
    alias: str
    version: int | None
    previous: int | None
    kind: str
    actor: str
    reason: str


def alias_at(ws: Workspace, model: str, alias: str, at: Micros) -> int | None:
    """Which version an alias pointed at, at a moment."""
    with ws.database.reading() as connection:
        moves = [one for one in moves_of(connection, life(connection, model, at), alias) if one.at <= at]
    return moves[-1].version if moves else None


def stages_at(ws: Workspace, model: str, at: Micros) -> dict[int, Stage]:
    """The stage that each version then registered was in, at a moment."""
    with ws.database.reading() as connection:
        return stages_told(connection, life(connection, model, at), at)


def stages_told(connection: sa.Connection, stretches: Sequence[Stretch], at: Micros) -> dict[int, Stage]:
    """The stage of each version by what was said until a moment."""
    standing: dict[int, Stage] = {}
    for told in _facts(connection, stretches, _STAGES):
        if told.at > at:
            continue
        if told.kind == "VersionDeleted":
            standing.pop(int(told.data["version"]), None)
        else:
            standing[int(told.data["version"])] = told.data.get("stage", "candidate")
    return standing


def timeline(ws: Workspace, model: str) -> list[Told]:
    """Everything that happened to a model, oldest first, under whichever name."""
    with ws.database.reading() as connection:
        return _facts(connection, life(connection, model), None)


def moves_of(connection: sa.Connection, stretches: Sequence[Stretch], alias: str) -> list[Move]:
    """How one alias moved during a model's life, oldest first."""
    return [
        Move(
            told.seq, told.at, alias, told.data.get("version"), told.data.get("previous"), told.kind, told.actor,
            told.data.get("reason", ""),
        )
        for told in _facts(connection, stretches, MOVES)
        if told.data["alias"] == alias
    ]  # fmt: skip


def facts_of(connection: sa.Connection, model: str, kinds: Sequence[str]) -> list[Told]:
    """The entries of some kinds in a model's life, oldest first."""
    return _facts(connection, life(connection, model), kinds)


def held(connection: sa.Connection, model: str, alias: str = PRODUCTION) -> list[Move]:
    """The moves that an alias would go back through, the present one last: a stack, by the journal."""
    stack: list[Move] = []
    for move in moves_of(connection, life(connection, model), alias):
        if move.version is None:
            continue
        if move.kind == "VersionRolledBack":
            while stack and stack[-1].version != move.version:
                stack.pop()
        if not stack or stack[-1].version != move.version:
            stack.append(move)
    return stack


def life(connection: sa.Connection, model: str, at: Micros | None = None) -> list[Stretch]:
    """The stretches of the journal that a name means, newest first; at a moment, as the head of this file says.

    Without a moment, a name that nobody wears any more means the last one who did.
    """
    worn = connection.execute(sa.select(registered_models.c.name).where(registered_models.c.name == model)).first()
    if worn is not None:
        today = _stretches(connection, model, _EVER)
        if at is None or _begins(connection, today) <= at:
            return today
    left = [seq for seq, moment in _partings(connection, model) if at is None or moment > at]
    if not left:
        return today if worn is not None else []
    ended = left[-1] if at is None else left[0]
    return [
        replace(one, before=ended + 1) if one.before == ended else one for one in _stretches(connection, model, ended)
    ]


def name_today(connection: sa.Connection, model: str, at: Micros) -> str | None:
    """What the model is called now that a name meant at a moment; None when it was deleted since."""
    stretches = life(connection, model, at)
    if not stretches:
        return None
    name, seq = stretches[0].name, stretches[0].after
    while True:
        left = [one for one, _ in _partings(connection, name) if one > seq]
        if not left:
            return name
        query = sa.select(journal.c.kind, journal.c.data).where(journal.c.seq == left[0])
        row = connection.execute(query).one()
        if row.kind == "ModelDeleted":
            return None
        name, seq = json.loads(row.data)["after"], left[0]


def _partings(connection: sa.Connection, model: str) -> list[tuple[int, Micros]]:
    """The entries by which a model that wore this name lost it."""
    query = sa.select(journal).where(
        journal.c.subject == subject(model), journal.c.kind.in_(("ModelDeleted", "ModelRenamed"))
    )
    rows = [(row, json.loads(row.data)) for row in connection.execute(query.order_by(journal.c.seq))]
    return [
        (row.seq, row.at)
        for row, fact in rows
        if IMPORTED not in fact and (row.kind == "ModelDeleted" or fact["before"] == model)
    ]


def _stretches(connection: sa.Connection, name: str, before: int) -> list[Stretch]:
    """Back from an entry's number, through every name the model wore."""
    found: list[Stretch] = []
    while True:
        start, earlier = _start(connection, name, before)
        found.append(Stretch(name, start, before))
        if earlier is None:
            return found
        name, before = earlier, start


def _start(connection: sa.Connection, name: str, before: int) -> tuple[int, str | None]:
    """Where the model that wore a name took it, and the name it had until then."""
    query = sa.select(journal.c.seq, journal.c.kind, journal.c.data).where(
        journal.c.subject == subject(name), journal.c.kind.in_(_NAMES), journal.c.seq < before
    )
    for row in connection.execute(query.order_by(journal.c.seq.desc())):
        fact = json.loads(row.data)
        if IMPORTED in fact:
            continue  # what another server called it means nothing here
        if row.kind == "ModelRenamed" and fact["after"] == name:
            return row.seq, fact["before"]
        return row.seq + (row.kind != "ModelRegistered"), None
    return 0, None


def _begins(connection: sa.Connection, stretches: Sequence[Stretch]) -> Micros:
    """When a life began: at its first entry."""
    first = stretches[-1]
    query = sa.select(sa.func.min(journal.c.at)).where(
        journal.c.subject == subject(first.name), journal.c.seq >= first.after, journal.c.seq < first.before
    )
    begun = connection.execute(query).scalar()
    return _EVER if begun is None else int(begun)


def _facts(connection: sa.Connection, stretches: Sequence[Stretch], kinds: Sequence[str] | None) -> list[Told]:
    """The entries of a life, oldest first; those that came in a bundle at the time they speak of."""
    found: list[Told] = []
    for one in reversed(stretches):
        query = sa.select(journal).where(
            journal.c.subject == subject(one.name), journal.c.seq >= one.after, journal.c.seq < one.before
        )
        if kinds is not None:
            query = query.where(journal.c.kind.in_(kinds))
        found += [_told(row) for row in connection.execute(query.order_by(journal.c.seq))]
    if any(told.imported for told in found):
        found.sort(key=lambda told: told.at)
    return found


def _told(row: sa.Row[Any]) -> Told:
    data = json.loads(row.data)
    source = data.pop(IMPORTED, None)
    if source is None:
        return Told(row.seq, row.at, row.kind, row.actor, data, row.hash)
    return Told(row.seq, source["at"], row.kind, source["actor"], data, source["origin"], imported=True)
