"""What can be done with versions: register, look up, promote, roll back, and tell where one came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical
from noria.core.errors import NotFound
from noria.core.rules import Outcome
from noria.optimization.model import Package
from noria.registry.model import MAY_BECOME, PRODUCTION, Lineage, NotPromotable, Stage, Version, WrongStage
from noria.registry.tables import aliases, versions
from noria.stores.journal import Fact, journal
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace

_MOVES = ("VersionPromoted", "VersionRolledBack")
"""The facts that move an alias."""


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
    with ws.database.transaction() as connection:
        _alone(ws, connection)
        if existing := _find(connection, model, idempotency):
            return existing
        newest = sa.select(sa.func.max(versions.c.number)).where(versions.c.model == model)
        number = (connection.execute(newest).scalar() or 0) + 1
        version = Version(
            model=model,
            number=number,
            created=ws.clock.now(),
            stage=stage,
            package=package_digest,
            model_digest=package.model,
            profile=profile,
            metrics={name: one.value for name, one in evaluation.metrics.items()},
            evaluation=msgspec.to_builtins(evaluation),
            gates={**msgspec.to_builtins(gates), "outcome": gates.outcome.value},
            lineage=lineage,
            notes=(package.why_native,) if package.why_native else (),
        )
        _insert(connection, version, idempotency)
        facts = {"version": number, "digest": package.model, "stage": stage, "gates": gates.outcome.value}
        ws.journal.append(connection, Fact("VersionRegistered", f"model:{model}", facts))
        return _in(connection, model, number)  # as it will be read, so that a repeated call gives the same


def find(ws: Workspace, model: str, idempotency: str) -> Version | None:
    """The version that was registered under an idempotency key."""
    with ws.database.reading() as connection:
        return _find(connection, model, idempotency)


def get_version(ws: Workspace, model: str, number: int) -> Version:
    """One version. Raises NotFound."""
    query = sa.select(versions).where(versions.c.model == model, versions.c.number == number)
    with ws.database.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        known = [str(one.number) for one in list_versions(ws, model)]
        raise NotFound(f"version of {model}", str(number), known)
    return _version(row)


def list_versions(ws: Workspace, model: str) -> list[Version]:
    """Every version of a model, oldest first."""
    query = sa.select(versions).where(versions.c.model == model).order_by(versions.c.number)
    with ws.database.reading() as connection:
        return [_version(row) for row in connection.execute(query)]


def models(ws: Workspace) -> list[str]:
    """Every model that has a version."""
    query = sa.select(versions.c.model).distinct().order_by(versions.c.model)
    with ws.database.reading() as connection:
        return list(connection.execute(query).scalars())


def alias(ws: Workspace, model: str, alias: str = PRODUCTION) -> Version | None:
    """The version an alias points at, or None."""
    query = sa.select(aliases.c.version).where(aliases.c.model == model, aliases.c.alias == alias)
    with ws.database.reading() as connection:
        number = connection.execute(query).scalar_one_or_none()
    return None if number is None else get_version(ws, model, number)


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

    Raises NotFound, and WrongStage for a move that `MAY_BECOME` does not know.
    """
    _alone(ws, connection)
    before = _in(connection, model, number).stage
    if before == stage:
        return
    if stage not in MAY_BECOME[before]:
        raise WrongStage(
            f"version {number} of {model} is {before!r} and cannot become {stage!r}",
            hint=f"it can become {', '.join(sorted(MAY_BECOME[before]))}",
        )
    chosen = (versions.c.model == model, versions.c.number == number)
    connection.execute(sa.update(versions).where(*chosen).values(stage=stage))
    facts = {"version": number, "stage": stage, "from": before, "reason": reason, "evidence": dict(evidence or {})}
    ws.journal.append(connection, Fact("StageChanged", f"model:{model}", facts))


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

    A version that is in production already stays so, and nothing is written. Raises NotPromotable unless its
    gates passed or `force` is given; NotFound.
    """
    with _within(ws, connection) as within:
        _alone(ws, within)
        version = _in(within, model, number)
        outcome = version.gates.get("outcome")
        if outcome != Outcome.PASSED.value and not force:
            raise NotPromotable(
                f"version {number} of {model} may not go into production: its gates came out {outcome!r}",
                hint="look at `noria lineage`; promote with --force only if you know better",
            )
        if _alias_number(within, model) != number:
            _point(ws, within, version, "VersionPromoted", reason, {**(evidence or {}), "forced": force})
        return _in(within, model, number)


def rollback(ws: Workspace, model: str, *, reason: str, connection: sa.Connection | None = None) -> Version:
    """Point the alias production back at the version before; again, at the one before that.

    A version that was rolled back is never returned to. Raises NotFound when there is none before.
    """
    with _within(ws, connection) as within:
        _alone(ws, within)
        before = _held(within, model)[:-1]
        if not before:
            raise NotFound("earlier production version", model, hint="this is the first one; promote another instead")
        _point(ws, within, _in(within, model, before[-1]), "VersionRolledBack", reason, {})
        return _in(within, model, before[-1])


def alias_at(ws: Workspace, model: str, alias: str, at: Micros) -> int | None:
    """Which version an alias pointed at, at a moment: a view of the journal."""
    moves = ws.journal.read(kinds=_MOVES, subject=f"model:{model}")
    numbers = [int(one.data["version"]) for one in moves if one.at <= at and one.data["alias"] == alias]
    return numbers[-1] if numbers else None


def lineage(ws: Workspace, model: str, number: int) -> dict[str, Any]:
    """The walk from a version back to the files: gates, run, code, values, features, snapshots. Raises NotFound."""
    version = get_version(ws, model, number)
    made = version.lineage
    return {
        "model": model,
        "version": number,
        "stage": version.stage,
        "model_digest": version.model_digest,
        "because": made.reason,
        "gates": version.gates,
        "metrics": version.metrics,
        "run": made.run,
        "code": made.code,
        "values": made.values,
        "environment": made.environment,
        "seed": made.seed,
        "split": made.split,
        "features": made.features,
        "snapshots": made.snapshots,
        "files": _files(ws, made.snapshots),
        "parent": made.parent,
        "notes": list(version.notes),
    }


def _files(ws: Workspace, taken: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Per source, the name and digest of every file of its snapshot, where the snapshot is still known."""
    from noria.data import snapshot

    known = {source: snapshot.get(ws, name) for source, name in taken.items()}
    return {source: {file.name: file.digest for file in one.files} for source, one in known.items() if one}


def _point(
    ws: Workspace, connection: sa.Connection, version: Version, kind: str, reason: str, evidence: Mapping[str, Any]
) -> None:
    previous = _alias_number(connection, version.model)
    row = {"model": version.model, "alias": PRODUCTION, "version": version.number, "moved": ws.clock.now()}
    ws.database.upsert(connection, aliases, [row], ["model", "alias"])
    facts = {
        "version": version.number, "previous": previous, "alias": PRODUCTION, "reason": reason,
        "evidence": dict(evidence),
    }  # fmt: skip
    ws.journal.append(connection, Fact(kind, f"model:{version.model}", facts))
    set_stage(ws, connection, version.model, version.number, "production", reason)
    if previous is not None and previous != version.number:
        left: Stage = "rolled back" if kind == "VersionRolledBack" else "retired"
        set_stage(ws, connection, version.model, previous, left, f"version {version.number} took its place")


@contextmanager
def _within(ws: Workspace, connection: sa.Connection | None) -> Iterator[sa.Connection]:
    if connection is not None:
        yield connection
        return
    with ws.database.transaction() as own:
        yield own


def _held(connection: sa.Connection, model: str) -> list[int]:
    """The versions that production would go back through, the present one last: a stack, by the journal."""
    moves = sa.select(journal.c.kind, journal.c.data).where(
        journal.c.subject == f"model:{model}", journal.c.kind.in_(_MOVES)
    )
    held: list[int] = []
    for kind, data in connection.execute(moves.order_by(journal.c.seq)):
        fact = json.loads(data)
        if fact["alias"] != PRODUCTION:
            continue
        if kind == "VersionRolledBack":
            while held and held[-1] != fact["version"]:
                held.pop()
        if not held or held[-1] != fact["version"]:
            held.append(fact["version"])
    return held


def _alone(ws: Workspace, connection: sa.Connection) -> None:
    """One change of the registry at a time: appending no fact still takes the journal's lock."""
    ws.journal.append(connection)


def _alias_number(connection: sa.Connection, model: str) -> int | None:
    query = sa.select(aliases.c.version).where(aliases.c.model == model, aliases.c.alias == PRODUCTION)
    return connection.execute(query).scalar_one_or_none()


def _find(connection: sa.Connection, model: str, idempotency: str) -> Version | None:
    query = sa.select(versions).where(versions.c.model == model, versions.c.identity == idempotency)
    row = connection.execute(query).one_or_none()
    return None if row is None else _version(row)


def _in(connection: sa.Connection, model: str, number: int) -> Version:
    query = sa.select(versions).where(versions.c.model == model, versions.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"version of {model}", str(number))
    return _version(row)


def _insert(connection: sa.Connection, version: Version, idempotency: str) -> None:
    row = {
        "model": version.model, "number": version.number, "identity": idempotency, "created": version.created,
        "stage": version.stage, "value": canonical(version),
    }  # fmt: skip
    connection.execute(sa.insert(versions).values(**row))


def _version(row: sa.Row[Any]) -> Version:
    value = {**json.loads(row.value), "stage": row.stage}
    return msgspec.convert(value, Version)
