"""Aliases: names that point at a version and can be moved. `latest` is none: it always means the newest version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from noria.registry import policies, reading
from noria.registry.changes import changing
from noria.registry.model import PRODUCTION, Version
from noria.registry.moves import Kind, point, pointed_at, policy_told, unpoint
from noria.registry.names import (
    LATEST,
    AliasMissing,
    Number,
    VersionMissing,
    check_alias,
    check_model_name,
    check_number,
    check_text,
)
from noria.workspace.workspace import Workspace


def set_alias(
    ws: Workspace,
    model: str,
    alias: str,
    number: Number,
    *,
    reason: str = "",
    force: bool = False,
    connection: sa.Connection | None = None,
) -> Version:
    """Point an alias at a version. One that points there already stays, and nothing is told.

    Raises VersionMissing, BadAlias, and PolicyUnmet or NotPromotable when the version lacks what the alias needs.
    """
    check_model_name(model)
    check_alias(alias, new=True)
    place = check_number(number)
    check_text("reason", reason)
    with changing(ws, connection) as within:
        version = reading.get_version(within, model, place)
        ours = alias == PRODUCTION and bool(version.package)
        kind: Kind = "VersionPromoted" if ours else "AliasMoved"
        return give(ws, within, version, alias, kind, reason=reason, force=force)


def give(
    ws: Workspace,
    connection: sa.Connection,
    version: Version,
    alias: str,
    kind: Kind,
    *,
    reason: str,
    force: bool,
    evidence: Mapping[str, Any] | None = None,
) -> Version:
    """Point an alias at a version in the caller's transaction, if its policy lets it; gives it as it then is."""
    found = policies.check(ws, connection, version, alias, force=force, reason=reason)
    if pointed_at(connection, version.model, alias) == version.number:
        return version
    told = {**(evidence or {}), "forced": force}
    point(ws, connection, version, alias, kind, reason=reason, evidence=told, told=policy_told(found))
    return reading.get_version(connection, version.model, version.number)


def delete_alias(ws: Workspace, model: str, alias: str, *, reason: str = "") -> None:
    """Take an alias away; one that is not there stays away. Raises ModelMissing."""
    check_model_name(model)
    check_alias(alias)
    with changing(ws) as connection:
        reading.must_exist(connection, model)
        unpoint(ws, connection, model, alias, reason)


def version_by_alias(ws: Workspace, model: str, alias: str) -> Version:
    """The version an alias points at. Raises ModelMissing, AliasMissing, VersionMissing (`latest` of no versions)."""
    check_model_name(model)
    check_alias(alias)
    with ws.database.reading() as connection:
        reading.must_exist(connection, model)
        number: int | None
        if alias.lower() == LATEST:
            number = max(reading.numbers(connection, model), default=None)
            if number is None:
                raise VersionMissing(model, LATEST)
        else:
            number = pointed_at(connection, model, alias)
        if number is None:
            raise AliasMissing(model, alias)
        return reading.get_version(connection, model, number)
