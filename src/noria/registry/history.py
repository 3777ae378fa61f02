"""What was what, and when: aliases and stages as views of the journal, across renames and deletions.

A name is worn by a model for a stretch of the journal. A model's life is a chain of such stretches: it is
registered under a name, renamed perhaps, deleted perhaps. What a name means at a past moment: the life of the
model that wears it today, if that model was there already; otherwise of the one that wore it then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.registry.model import PRODUCTION, Stage, subject
from noria.registry.tables import registered_models
from noria.stores.journal import Entry, journal
from noria.workspace.workspace import Workspace

MOVES = ("VersionPromoted", "VersionRolledBack", "AliasMoved", "AliasRemoved")
"""The facts that move an alias."""
_STAGES = ("VersionRegistered", "StageChanged", "VersionDeleted")
_NAMES = ("ModelRegistered", "ModelRenamed", "ModelDeleted")
_EVER = 2**62


@dataclass(frozen=True)
class Stretch:
    """The entries under which one model wore one name: numbered above `after` and below `before`."""

    name: str
    after: int
    before: int


@dataclass(frozen=True)
class Move:
    """An alias came to a version, or to none: `kind` tells how, `forced` whether against its policy."""

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
    standing: dict[int, Stage] = {}
    with ws.database.reading() as connection:
        for row, fact in _facts(connection, life(connection, model, at), _STAGES):
            if row.at > at:
                continue
            if row.kind == "VersionDeleted":
                standing.pop(int(fact["version"]), None)
            else:
                standing[int(fact["version"])] = fact.get("stage", "candidate")
    return standing


def timeline(ws: Workspace, model: str) -> list[Entry]:
    """Everything that happened to a model, oldest first, under whichever name."""
    with ws.database.reading() as connection:
        stretches = life(connection, model)
    entries = [
        entry
        for one in stretches
        for entry in ws.journal.read(one.after - 1, subject=subject(one.name))
        if entry.seq < one.before
    ]
    return sorted(entries, key=lambda entry: entry.seq)


def moves_of(connection: sa.Connection, stretches: Sequence[Stretch], alias: str) -> list[Move]:
    """How one alias moved during a model's life, oldest first."""
    return [
        Move(
            row.seq, row.at, alias, fact.get("version"), fact.get("previous"), row.kind, row.actor,
            fact.get("reason", ""),
        )
        for row, fact in _facts(connection, stretches, MOVES)
        if fact["alias"] == alias
    ]  # fmt: skip


def facts_of(connection: sa.Connection, model: str, kinds: Sequence[str]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The entries of some kinds in a model's life, oldest first, with what they say."""
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
    return [
        (row.seq, row.at)
        for row in connection.execute(query.order_by(journal.c.seq))
        if row.kind == "ModelDeleted" or json.loads(row.data)["before"] == model
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
    row = connection.execute(query.order_by(journal.c.seq.desc()).limit(1)).one_or_none()
    if row is None:
        return 0, None
    fact = json.loads(row.data)
    if row.kind == "ModelRenamed" and fact["after"] == name:
        return row.seq, fact["before"]
    return row.seq + (row.kind != "ModelRegistered"), None


def _begins(connection: sa.Connection, stretches: Sequence[Stretch]) -> Micros:
    """When a life began: at its first entry."""
    first = stretches[-1]
    query = sa.select(sa.func.min(journal.c.at)).where(
        journal.c.subject == subject(first.name), journal.c.seq >= first.after, journal.c.seq < first.before
    )
    begun = connection.execute(query).scalar()
    return _EVER if begun is None else int(begun)


def _facts(
    connection: sa.Connection, stretches: Sequence[Stretch], kinds: Sequence[str]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    for one in reversed(stretches):
        query = sa.select(journal.c.seq, journal.c.at, journal.c.kind, journal.c.actor, journal.c.data).where(
            journal.c.subject == subject(one.name), journal.c.kind.in_(kinds),
            journal.c.seq >= one.after, journal.c.seq < one.before,
        )  # fmt: skip
        for row in connection.execute(query.order_by(journal.c.seq)):
            yield row, json.loads(row.data)
