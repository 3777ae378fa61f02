"""The two things that move: an alias to a version, a version into a stage. Told to the journal and to webhooks.

Of versions that Noria packaged, stages follow the alias `production`, which serving follows: one version is in
production and the alias points at it. Of versions that MLflow's clients registered, stage and alias have
nothing to do with each other, as those clients expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa

from noria.core.digest import digest
from noria.core.rules import Verdict
from noria.registry import events, reading
from noria.registry.changes import change_version, tell
from noria.registry.model import MAY_BECOME, PRODUCTION, Stage, Version, WrongStage
from noria.registry.tables import aliases
from noria.workspace.workspace import Workspace

Kind = Literal["VersionPromoted", "VersionRolledBack", "AliasMoved"]


def pointed_at(connection: sa.Connection, model: str, alias: str = PRODUCTION) -> int | None:
    """The number of the version that an alias points at."""
    query = sa.select(aliases.c.version).where(aliases.c.model == model, aliases.c.alias == alias)
    return connection.execute(query).scalar_one_or_none()


def all_pointed_at(connection: sa.Connection, alias: str) -> dict[str, int]:
    """The same for every model that has the alias."""
    query = sa.select(aliases.c.model, aliases.c.version).where(aliases.c.alias == alias)
    return {row.model: row.version for row in connection.execute(query)}


def point(
    ws: Workspace,
    connection: sa.Connection,
    version: Version,
    alias: str,
    kind: Kind,
    *,
    reason: str,
    evidence: Mapping[str, Any],
    told: Mapping[str, Any] | None = None,
) -> None:
    """Point an alias at a version; when it is production, the stages of packaged versions follow."""
    previous = pointed_at(connection, version.model, alias)
    row = {"model": version.model, "alias": alias, "version": version.number, "moved": ws.clock.now()}
    ws.database.upsert(connection, aliases, [row], ["model", "alias"])
    facts = {
        "version": version.number, "previous": previous, "alias": alias, "reason": reason,
        "evidence": dict(evidence), "digest": version.model_digest,
    } | dict(told or {})  # fmt: skip
    if version.gates:
        facts["gates"] = {"outcome": version.gates.get("outcome"), "digest": digest(version.gates)}
    tell(ws, connection, kind, version.model, facts)
    events.alias_changed(ws, connection, version.model, alias, version.number)
    if alias == PRODUCTION:
        _follow(ws, connection, version, previous, kind, reason)


def unpoint(ws: Workspace, connection: sa.Connection, model: str, alias: str, reason: str) -> None:
    """Take an alias away; a packaged version that loses `production` retires."""
    previous = pointed_at(connection, model, alias)
    if previous is None:
        return
    connection.execute(sa.delete(aliases).where(aliases.c.model == model, aliases.c.alias == alias))
    facts = {"alias": alias, "version": None, "previous": previous, "reason": reason}
    tell(ws, connection, "AliasRemoved", model, facts)
    events.alias_changed(ws, connection, model, alias, None)
    left = reading.get_version(connection, model, previous)
    if alias == PRODUCTION and left.package and left.stage == "production":
        enter(ws, connection, left, "retired", "the alias production was taken away")


def enter(
    ws: Workspace,
    connection: sa.Connection,
    version: Version,
    stage: Stage,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
    *,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Move a version to a stage; one that is there already is left alone.

    Raises WrongStage for a move of a packaged version that `MAY_BECOME` does not know.
    """
    before = version.stage
    if before == stage:
        return
    if version.package and stage not in MAY_BECOME[before]:
        raise WrongStage(
            f"version {version.number} of {version.model} is {before!r} and cannot become {stage!r}",
            hint=f"it can become {', '.join(sorted(MAY_BECOME[before]))}",
        )
    change_version(connection, version.model, version.number, stage=stage)
    facts = {
        "version": version.number, "stage": stage, "from": before, "reason": reason, "evidence": dict(evidence or {}),
    }  # fmt: skip
    tell(ws, connection, "StageChanged", version.model, facts | dict(told or {}))


def policy_told(verdicts: list[Verdict]) -> dict[str, Any]:
    """The verdicts of a policy, as the journal keeps them with the move that they allowed."""
    if not verdicts:
        return {}
    return {"policy": [{"rule": one.rule, "outcome": one.outcome.value, "note": one.note} for one in verdicts]}


def _follow(
    ws: Workspace, connection: sa.Connection, version: Version, previous: int | None, kind: Kind, reason: str
) -> None:
    if version.package:
        enter(ws, connection, version, "production", reason)
    if previous is None or previous == version.number:
        return
    before = reading.get_version(connection, version.model, previous)
    if before.package:
        left: Stage = "rolled back" if kind == "VersionRolledBack" else "retired"
        enter(ws, connection, before, left, f"version {version.number} took its place")
