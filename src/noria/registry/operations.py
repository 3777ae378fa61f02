"""What Noria itself does with versions: register, look up, promote, roll back, and tell where one came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from noria.core.errors import NotFound
from noria.optimization.model import Package
from noria.registry import aliases, events, history, moves, policies, publishing, reading
from noria.registry.changes import alone, changing, tell, touch_model
from noria.registry.history import alias_at
from noria.registry.model import PRODUCTION, Lineage, Stage, Version
from noria.registry.model_versions import next_number
from noria.registry.provenance import lineage
from noria.registry.registered_models import add_model
from noria.registry.tables import registered_models, versions
from noria.registry.views_used import note_views
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace

__all__ = [
    "alias", "alias_at", "find", "get_version", "lineage", "list_versions", "models", "promote", "register", "rollback",
    "set_stage",
]  # fmt: skip


def register(
    ws: Workspace,
    *,
    model: str,
    package: Package,
    package_digest: str,
    profile: str | None,
    evaluation: Evaluation,
    gates: GateSheet,
    lineage: Lineage,
    stage: Stage,
    idempotency: str,
) -> Version:
    """Write a new version; gives it with its number. The same `idempotency` key gives the same version."""
    with changing(ws) as connection:
        if existing := _find(connection, model, idempotency):
            return existing
        new_model = _ensure_model(ws, connection, model)
        number, now = next_number(connection, model), ws.clock.now()
        version = Version(
            model=model,
            number=number,
            created=now,
            stage=stage,
            package=package_digest,
            model_digest=package.model,
            profile=profile,
            metrics={name: one.value for name, one in evaluation.metrics.items()},
            evaluation=msgspec.to_builtins(evaluation),
            gates={**msgspec.to_builtins(gates), "outcome": gates.outcome.value},
            lineage=lineage,
            notes=(package.why_native,) if package.why_native else (),
            source=publishing.publish(ws, connection, package, package_digest, profile),
        )
        _insert(ws, connection, version, idempotency)
        note_views(ws, connection, package_digest, package.inputs.views)
        touch_model(connection, model, now)
        facts = {"version": number, "digest": package.model, "stage": stage, "gates": gates.outcome.value}
        tell(ws, connection, "VersionRegistered", model, facts | ({"new_model": True} if new_model else {}))
        events.version_created(
            ws, connection, model, number, source=version.source, run=lineage.run, tags={}, description=None
        )
        return reading.get_version(connection, model, number)  # as it will be read: a repeated call gives the same


def find(ws: Workspace, model: str, idempotency: str) -> Version | None:
    """The version that was registered under an idempotency key."""
    with ws.database.reading() as connection:
        return _find(connection, model, idempotency)


def get_version(ws: Workspace, model: str, number: int) -> Version:
    """One version. Raises NotFound."""
    with ws.database.reading() as connection:
        return reading.get_version(connection, model, number)


def list_versions(ws: Workspace, model: str) -> list[Version]:
    """Every version of a model, oldest first."""
    with ws.database.reading() as connection:
        return reading.versions_where(connection, versions.c.model == model)


def models(ws: Workspace) -> list[str]:
    """Every model that has a version."""
    query = sa.select(versions.c.model).where(reading.VISIBLE).distinct().order_by(versions.c.model)
    with ws.database.reading() as connection:
        return list(connection.execute(query).scalars())


def alias(ws: Workspace, model: str, alias: str = PRODUCTION) -> Version | None:
    """The version an alias points at, or None."""
    with ws.database.reading() as connection:
        number = moves.pointed_at(connection, model, alias)
        return None if number is None else reading.get_version(connection, model, number)


def numbers_of(ws: Workspace, alias: str = PRODUCTION) -> dict[str, int]:
    """The number of the version that an alias points at, for every model that has it."""
    with ws.database.reading() as connection:
        return moves.all_pointed_at(connection, alias)


def set_stage(
    ws: Workspace,
    connection: sa.Connection,
    model: str,
    number: int,
    stage: Stage,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """Move a version to a stage, inside the caller's transaction; one that is there already is left alone.

    Raises NotFound, WrongStage for a move that `MAY_BECOME` does not know, PolicyUnmet for one into production
    that the alias's policy does not let in.
    """
    alone(ws, connection)
    version = reading.get_version(connection, model, number)
    if stage == PRODUCTION and (missing := policies.unmet(ws, connection, version, PRODUCTION)):
        raise policies.PolicyUnmet(version, PRODUCTION, missing)
    moves.enter(ws, connection, version, stage, reason, evidence)


def promote(
    ws: Workspace,
    model: str,
    number: int,
    *,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
    force: bool = False,
    connection: sa.Connection | None = None,
) -> Version:
    """Point the alias production at a version, in the caller's transaction or one of its own.

    A version that is in production already stays so, and nothing is written. The journal keeps who did it, why, the
    `evidence`, the gate sheet's digest and the verdicts of the policy. Raises NotPromotable unless its gates passed
    or `force` is given; PolicyUnmet likewise for a policy; NotFound.
    """
    with changing(ws, connection) as within:
        version = reading.get_version(within, model, number)
        return aliases.give(
            ws, within, version, PRODUCTION, "VersionPromoted", reason=reason, force=force, evidence=evidence
        )


def rollback(
    ws: Workspace, model: str, *, reason: str, alias: str = PRODUCTION, connection: sa.Connection | None = None
) -> Version:
    """Point an alias back at the version before; again, at the one before that.

    The journal names what it returned to: the move that had brought that version there. A version that was rolled
    back is never returned to, nor one deleted since. Raises NotFound when there is none before.
    """
    with changing(ws, connection) as within:
        there = set(reading.numbers(within, model))
        moved = history.held(within, model, alias)
        before = [move for move in moved[:-1] if move.version in there]
        if not before:
            raise NotFound(f"earlier {alias} version", model, hint="this is the first one; promote another instead")
        back = before[-1]
        version = reading.get_version(within, model, int(back.version or 0))
        returns = {
            "version": back.version,
            "entry": back.seq,
            "at": back.at,
            "actor": back.actor,
            "reason": back.reason,
        }
        moves.point(
            ws, within, version, alias, "VersionRolledBack", reason=reason, evidence={}, told={"returns_to": returns}
        )
        return reading.get_version(within, model, version.number)


def _ensure_model(ws: Workspace, connection: sa.Connection, model: str) -> bool:
    known = sa.select(registered_models.c.name).where(registered_models.c.name == model)
    if connection.execute(known).first() is not None:
        return False
    add_model(ws, connection, model, {})
    return True


def _find(connection: sa.Connection, model: str, idempotency: str) -> Version | None:
    same = (versions.c.model == model, versions.c.identity == idempotency)
    found = reading.versions_where(connection, *same)
    return found[0] if found else None


def _insert(ws: Workspace, connection: sa.Connection, version: Version, idempotency: str) -> None:
    row = {
        "model": version.model, "number": version.number, "identity": idempotency, "created": version.created,
        "updated": version.created, "stage": version.stage, "source": version.source, "storage": version.source,
        "run": version.lineage.run or None, "actor": ws.actor, "status": "READY", "value": reading.packaged(version),
    }  # fmt: skip
    connection.execute(sa.insert(versions).values(**row))
