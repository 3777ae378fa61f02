"""Versions that a client registers by saying where they lie, and what MLflow's clients do with any version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from noria.registry import events, moves, policies, reading
from noria.registry.changes import brief, change_version, changing, tell, touch_model
from noria.registry.model import PRODUCTION, InUse, Version, WrongStage
from noria.registry.names import Number, check_model_name, check_number, check_tags, check_text
from noria.registry.sources import locate
from noria.registry.stages import ACTIVE, DELETED, NotActiveStage, canonical_stage, meant, standing_as
from noria.registry.tables import version_tags, versions
from noria.workspace.workspace import Workspace

_LONGEST_RUN = 256
_LONGEST_LOGGED_MODEL = 64


def create_version(
    ws: Workspace,
    model: str,
    source: str,
    *,
    run: str | None = None,
    tags: Mapping[str, str] | None = None,
    run_link: str | None = None,
    description: str | None = None,
    logged_model: str | None = None,
) -> Version:
    """Register what lies at `source` as the next version; gives it with its number.

    A source `models:/NAME/NUMBER` copies that version: where it lies, and what Noria knows of it if Noria packaged
    it. A source `models:/ID` takes place and run of that logged model. Raises ModelMissing, and SourceMissing for a
    source that leads nowhere. Whether a source may be used at all (local paths, traversal) the door must check.
    """
    check_model_name(model)
    checked = check_tags(tags or {}, of_version=True)
    check_text("run_id", run, _LONGEST_RUN)
    check_text("model_id", logged_model, _LONGEST_LOGGED_MODEL)
    for name, text in (("source", source), ("run_link", run_link), ("description", description)):
        check_text(name, text)
    with changing(ws) as connection:
        place = locate(connection, source, run=run, logged_model=logged_model)
        reading.must_exist(connection, model)
        number = next_number(connection, model)
        now = ws.clock.now()
        row = {
            "model": model, "number": number, "created": now, "updated": now, "stage": "candidate",
            "source": source, "storage": place.storage, "run": place.run or None, "run_link": run_link or None,
            "description": description, "actor": ws.actor, "status": "READY", "logged_model": logged_model or None,
            "value": place.packaged,
        }  # fmt: skip
        connection.execute(sa.insert(versions).values(**row))
        if checked:
            rows = [{"model": model, "number": number, "name": key, "value": value} for key, value in checked.items()]
            connection.execute(sa.insert(version_tags), rows)
        touch_model(connection, model, now)
        facts = {
            "version": number, "stage": "candidate", "source": brief(source), "run": place.run,
            "tags": {key: brief(value) for key, value in checked.items()},
        }  # fmt: skip
        tell(ws, connection, "VersionRegistered", model, facts)
        events.version_created(
            ws, connection, model, number, source=source, run=place.run, tags=checked, description=description
        )
        return reading.get_version(connection, model, number)


def next_number(connection: sa.Connection, model: str) -> int:
    """One more than any version of the model ever had; a deleted one's number is not given again."""
    newest = sa.select(sa.func.max(versions.c.number)).where(versions.c.model == model)
    return (connection.execute(newest).scalar() or 0) + 1


def get_version(ws: Workspace, model: str, number: Number) -> Version:
    """One version. Raises VersionMissing."""
    check_model_name(model)
    place = check_number(number)
    with ws.database.reading() as connection:
        return reading.get_version(connection, model, place)


def versions_by_key(ws: Workspace, keys: Sequence[tuple[str, int]]) -> list[Version]:
    """Versions in the order of their keys (model, number); one that is gone is left out."""
    with ws.database.reading() as connection:
        return reading.versions_by_key(connection, keys)


def update_version(ws: Workspace, model: str, number: Number, description: str | None) -> Version:
    """Describe a version anew. Raises VersionMissing."""
    check_model_name(model)
    place = check_number(number)
    check_text("description", description)
    with changing(ws) as connection:
        before = reading.get_version(connection, model, place)
        change_version(connection, model, place, description=description, updated=ws.clock.now())
        if before.description != description:
            facts = {"version": place, "before": brief(before.description), "after": brief(description)}
            tell(ws, connection, "VersionDescribed", model, facts)
        return reading.get_version(connection, model, place)


def delete_version(ws: Workspace, model: str, number: Number) -> None:
    """Delete a version and the aliases that point at it; its number is not given again.

    Raises VersionMissing, and InUse for a version that Noria serves or rolls out.
    """
    place = check_number(number)
    check_model_name(model)
    with changing(ws) as connection:
        version = reading.get_version(connection, model, place)
        if version.package and version.stage in ("production", "rollout"):
            raise InUse(
                f"version {place} of {model} cannot be deleted: it is in {version.stage}",
                hint="put another one in its place first",
            )
        for alias in version.aliases:
            moves.unpoint(ws, connection, model, alias, f"version {place} was deleted")
        now = ws.clock.now()
        gone = dict.fromkeys(("run", "run_link", "description", "status_message", "logged_model", "value", "identity"))
        change_version(connection, model, place, stage=DELETED, updated=now, source="", storage="", actor="", **gone)
        touch_model(connection, model, now)
        facts = {"version": place, "before": {"stage": version.stage, "source": brief(version.source)}}
        tell(ws, connection, "VersionDeleted", model, facts | {"digest": version.model_digest})


def transition_stage(
    ws: Workspace,
    model: str,
    number: Number,
    stage: str,
    *,
    archive: bool = False,
    reason: str = "",
    force: bool = False,
) -> Version:
    """Move a version to one of MLflow's stages; with `archive` those that were in it move to Archived.

    For a version that Noria packaged, Production is a promotion: the alias moves along, and what was in production
    leaves. Raises UnknownStage, NotActiveStage, VersionMissing, WrongStage, and PolicyUnmet when the version lacks
    what the alias of the stage's name needs.
    """
    wanted = canonical_stage(stage)
    if archive and wanted not in ACTIVE:
        raise NotActiveStage(stage)
    check_model_name(model)
    place = check_number(number)
    with changing(ws) as connection:
        version = reading.get_version(connection, model, place)
        found = policies.check(ws, connection, version, wanted.lower(), force=force, reason=reason)
        if wanted == "Production" and version.package:
            if PRODUCTION not in version.aliases:
                told = moves.policy_told(found)
                evidence = {"forced": force}
                moves.point(
                    ws, connection, version, PRODUCTION, "VersionPromoted", reason=reason, evidence=evidence, told=told
                )
        elif moves_stage(version, wanted):
            _keep_production(version)
            told = moves.policy_told(found)
            moves.enter(ws, connection, version, meant(wanted), reason, {"forced": force} if force else None, told=told)
        now = ws.clock.now()
        change_version(connection, model, place, updated=now)
        if archive:
            _archive(ws, connection, replace(version, stage=meant(wanted)), standing_as(wanted), reason)
        touch_model(connection, model, now)
        return reading.get_version(connection, model, place)


def moves_stage(version: Version, wanted: str) -> bool:
    """Whether a version is not yet in one of the stages that MLflow shows as the one wanted."""
    return version.stage not in standing_as(canonical_stage(wanted))


def download_uri(ws: Workspace, model: str, number: Number) -> str:
    """Where a version's files can be fetched. Raises VersionMissing."""
    version = get_version(ws, model, number)
    return version.storage or version.source


def _archive(ws: Workspace, connection: sa.Connection, version: Version, stages: Sequence[str], reason: str) -> None:
    others = reading.versions_where(
        connection, versions.c.model == version.model, versions.c.number != version.number, versions.c.stage.in_(stages)
    )
    for other in others:
        _keep_production(other)
        moves.enter(ws, connection, other, "retired", reason or f"version {version.number} took its place")
        change_version(connection, other.model, other.number, updated=ws.clock.now())


def _keep_production(version: Version) -> None:
    """What serving follows does not lose its stage by the way."""
    if version.package and version.stage == "production" and PRODUCTION in version.aliases:
        raise WrongStage(
            f"version {version.number} of {version.model} is in production, and the alias points at it",
            hint="promote another version, or roll back; its stage follows",
        )
