"""The parts of a bundle as rows: the model, a version with its files, the aliases; and what the journal says then."""

from __future__ import annotations

import json
from posixpath import normpath

import msgspec
import sqlalchemy as sa

from noria.core.digest import canonical, digest
from noria.registry import events, history, moves, policies, publishing, reading
from noria.registry.bundle import Bundle, BundledVersion, Contents, DamagedBundle, is_digest
from noria.registry.changes import tell, touch_model
from noria.registry.model import MAY_BECOME, PRODUCTION, NotPromotable, Version
from noria.registry.names import check_tags, check_text
from noria.registry.stages import DELETED, shown
from noria.registry.tables import registered_model_tags, registered_models, signatures, version_tags, versions
from noria.workspace.workspace import Workspace

_LIMITS = {"run": 256, "logged_model": 64, "identity": 64, "actor": 256, "status": 24}
_ROW = (
    "number", "created", "updated", "source", "run", "run_link", "description", "actor", "status", "status_message",
    "logged_model", "identity", "value",
)  # fmt: skip


def check_version(one: BundledVersion, contents: Contents) -> None:
    """What of a version cannot be stored, or names bytes that the bundle has not. Raises DamagedBundle, BadInput."""
    if one.stage != DELETED and one.stage not in MAY_BECOME:
        raise DamagedBundle(f"version {one.number} is in a stage {one.stage[:40]!r}")
    check_tags(one.tags, of_version=True)
    for name in (*_ROW[3:], "storage"):
        check_text(name, getattr(one, name), _LIMITS.get(name))
    for name, blob in (one.files or {}).items():
        if not _is_safe(name):
            raise DamagedBundle(f"version {one.number} has a file {name[:80]!r}, which leads elsewhere")
        if not is_digest(blob) or f"blobs/{blob}" not in contents.files:
            raise DamagedBundle(f"the bytes of {name[:80]!r} of version {one.number} are not in it")
    if one.value is not None:
        known = json.loads(one.value)
        msgspec.convert({**known, "model": "", "number": 0, "created": 0, "stage": "candidate"}, Version)
    if any(not is_digest(signed.key) for signed in one.signatures):
        raise DamagedBundle(f"a signature of version {one.number} has no key")


def model(ws: Workspace, connection: sa.Connection, bundle: Bundle, *, known: bool) -> None:
    """The model's own rows; of one that is here already, only tags that it has not."""
    if not known:
        row = {
            "name": bundle.model, "created": bundle.created, "updated": bundle.updated,
            "description": bundle.description,
        }  # fmt: skip
        connection.execute(sa.insert(registered_models).values(**row))
        events.model_created(ws, connection, bundle.model, bundle.tags, bundle.description)
    has = reading.get_model(connection, bundle.model).tags
    rows = [
        {"model": bundle.model, "name": name, "value": value} for name, value in bundle.tags.items() if name not in has
    ]
    if rows:
        connection.execute(sa.insert(registered_model_tags), rows)


def version(ws: Workspace, connection: sa.Connection, model: str, one: BundledVersion) -> None:
    """A version's rows, and names for its files. What served or was rolled out elsewhere is a candidate here."""
    stage = one.stage if shown_is_settled(one.stage) else "candidate"
    storage = _place(ws, connection, one) if one.stage != DELETED else ""
    row = {name: getattr(one, name) for name in _ROW} | {"model": model, "stage": stage, "storage": storage}
    connection.execute(sa.insert(versions).values(**row))
    tags = [{"model": model, "number": one.number, "name": key, "value": value} for key, value in one.tags.items()]
    if tags:
        connection.execute(sa.insert(version_tags), tags)
    signed = [{"model": model, "number": one.number, **msgspec.to_builtins(part)} for part in one.signatures]
    if signed:
        connection.execute(sa.insert(signatures), signed)


def shown_is_settled(stage: str) -> bool:
    """Whether a stage says nothing of what serves: deleted, refused, retired and the like."""
    return stage == DELETED or shown(stage) in ("None", "Archived")


def aliases(
    ws: Workspace, connection: sa.Connection, bundle: Bundle, new: set[int], *, force: bool, reason: str
) -> tuple[list[str], dict[str, str]]:
    """Point the aliases that point nowhere here yet; gives those set, and why others were not."""
    done: list[str] = []
    held_back: dict[str, str] = {}
    for alias, number in bundle.aliases.items():
        standing = moves.pointed_at(connection, bundle.model, alias)
        if standing == number:
            continue
        if standing is not None:
            held_back[alias] = f"it points at version {standing} here, and at {number} in the bundle"
            continue
        one = reading.get_version(connection, bundle.model, number)
        try:
            found = policies.check(ws, connection, one, alias, force=force, reason=reason)
        except NotPromotable as error:
            held_back[alias] = error.message
            continue
        kind: moves.Kind = "VersionPromoted" if alias == PRODUCTION and one.package else "AliasMoved"
        told = {"forced": force, "bundle": True}
        why = reason or "it came with the bundle"
        moves.point(ws, connection, one, alias, kind, reason=why, evidence=told, told=moves.policy_told(found))
        done.append(alias)
    _stages(ws, connection, bundle, new, force=force, reason=reason)
    return done, held_back


def reconcile(ws: Workspace, connection: sa.Connection, model: str) -> None:
    """Where what came in tells of another present than there is here, say what there is: the newest word counts."""
    stretches, now = history.life(connection, model), ws.clock.now()
    pointing = dict(reading.get_model(connection, model).aliases)
    named = {told.data["alias"] for told in history.facts_of(connection, model, history.MOVES)}
    for alias in sorted(named | set(pointing)):
        past = history.moves_of(connection, stretches, alias)
        last = past[-1].version if past else None
        if last != pointing.get(alias):
            facts = {"alias": alias, "version": pointing.get(alias), "previous": last, "reason": _HERE}
            kind = "AliasMoved" if alias in pointing else "AliasRemoved"
            tell(ws, connection, kind, model, facts)
    told = history.stages_told(connection, stretches, now)
    for one in reading.versions_where(connection, versions.c.model == model):
        if told.get(one.number) not in (None, one.stage):
            facts = {"version": one.number, "stage": one.stage, "from": told[one.number], "reason": _HERE}
            tell(ws, connection, "StageChanged", model, facts | {"evidence": {}})
    touch_model(connection, model, now)


_HERE = "how it stands here, after a bundle came in"


def _stages(
    ws: Workspace, connection: sa.Connection, bundle: Bundle, new: set[int], *, force: bool, reason: str
) -> None:
    """Versions without a package that were in Staging or Production enter it here too, if its policy lets them."""
    for one in bundle.versions:
        if one.number not in new or one.value is not None or shown_is_settled(one.stage):
            continue
        entering = reading.get_version(connection, bundle.model, one.number)
        try:
            policies.check(ws, connection, entering, shown(one.stage).lower(), force=force, reason=reason)
        except NotPromotable:
            continue
        connection.execute(
            sa.update(versions)
            .where(versions.c.model == bundle.model, versions.c.number == one.number)
            .values(stage=one.stage)
        )


def _place(ws: Workspace, connection: sa.Connection, one: BundledVersion) -> str:
    """Name a version's files in the artifact tree here, under a root that only the same files can have."""
    if one.files is None:
        return one.storage
    package = json.loads(one.value).get("package") if one.value else None
    root = f"{publishing.ROOT}/{package or digest(canonical(one.files))}"
    publishing.name_files(ws, connection, root, one.files)
    return publishing.SCHEME + root


def _is_safe(name: str) -> bool:
    return normpath(name) == name != "." and not name.startswith(("/", "..")) and not set(name) & set("\\\x00%")
