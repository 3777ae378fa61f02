"""Writing a model into a bundle."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from noria.core.digest import canonical, digest_bytes, digest_file
from noria.core.errors import Corrupt, NotFound, StorageFull, Unavailable
from noria.data.tables import snapshots
from noria.registry import history, manifest, reading
from noria.registry.bundle import (
    BLOBS,
    KIND,
    MANIFEST,
    REGISTRY,
    Bundle,
    BundledFact,
    BundledSignature,
    BundledVersion,
    Contents,
    Member,
)
from noria.registry.model import Version
from noria.registry.names import check_model_name
from noria.registry.stages import DELETED
from noria.registry.tables import bundled_snapshots, signatures, versions
from noria.stores.disk import NO_ROOM
from noria.workspace.workspace import Workspace


def export_bundle(ws: Workspace, model: str, path: Path) -> Bundle:
    """Write a model with everything that belongs to it into a new file at `path`, all or nothing.

    Raises ModelMissing, NotFound or Corrupt when the bytes of a version are away or damaged, StorageFull,
    Unavailable when the file cannot be written.
    """
    check_model_name(model)
    with ws.database.reading() as connection:
        bundle = _bundle(ws, connection, model)
    blobs = sorted({blob for one in bundle.versions for blob in (one.files or {}).values()})
    document = bundle.encode()
    members = {REGISTRY: Member(len(document), digest_bytes(document))}
    members |= {f"{BLOBS}{blob}": Member(ws.blobs.path(blob).stat().st_size, blob) for blob in blobs}
    contents = canonical(Contents(KIND, members)).encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, MANIFEST, contents)
            _add(tar, REGISTRY, document)
            for blob in blobs:
                _add_blob(ws, tar, blob)
        temporary.replace(path)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(f"no room left for the bundle {path}", hint="free room and export again") from error
        raise Unavailable(f"the bundle {path} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return bundle


def _bundle(ws: Workspace, connection: sa.Connection, name: str) -> Bundle:
    model = reading.get_model(connection, name)
    query = sa.select(versions).where(versions.c.model == name).order_by(versions.c.number)
    rows = connection.execute(query).all()
    there = {one.number: one for one in reading.hydrated(connection, [row for row in rows if row.stage != DELETED])}
    taken = sorted({digest for one in there.values() for digest in one.lineage.snapshots.values()})
    return Bundle(
        KIND, name, model.created, model.updated, model.description, dict(model.tags), dict(model.aliases),
        versions=[bundled(ws, connection, row, there.get(row.number)) for row in rows],
        history=[
            BundledFact(told.at, told.kind, told.actor, dict(told.data), told.origin)
            for told in history.facts_of(connection, name, CARRIED)
        ],
        snapshots=_snapshots(connection, taken),
    )  # fmt: skip


CARRIED = (
    "VersionRegistered", "VersionDescribed", "VersionTagged", "VersionTagRemoved", "VersionDeleted", "VersionApproved",
    "VersionRejected", "VersionSigned", "StageChanged", *history.MOVES, "ModelRegistered", "ModelRenamed",
    "ModelDescribed", "ModelTagged", "ModelTagRemoved", "ModelImported",
)  # fmt: skip
"""The facts that come along: those about the model itself, not about turns, rollouts and monitors of a server."""


def bundled(ws: Workspace, connection: sa.Connection, row: sa.Row[Any], version: Version | None) -> BundledVersion:
    """A version's row as a bundle holds it, with its tags, its files and its signatures."""
    if version is None:
        return BundledVersion(row.number, DELETED, row.created, row.updated)
    try:
        files = manifest.named_files(ws, connection, version)
    except (manifest.NoManifest, NotFound):
        files = None  # they lie elsewhere; the place comes along
    names = ("source", "storage", "run", "run_link", "description", "actor", "status", "status_message",
             "logged_model", "identity", "value")  # fmt: skip
    chosen = (signatures.c.model == row.model, signatures.c.number == row.number)
    signed = connection.execute(sa.select(signatures).where(*chosen).order_by(signatures.c.key))
    return BundledVersion(
        row.number, row.stage, row.created, row.updated,
        **{name: row._mapping[name] for name in names},
        tags=dict(version.tags), files=files,
        signatures=[BundledSignature(one.key, one.manifest, one.signature, one.signed) for one in signed],
    )  # fmt: skip


def _snapshots(connection: sa.Connection, digests: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for table in (bundled_snapshots, snapshots):  # what this server took itself wins
        query = sa.select(table.c.digest, table.c.value).where(table.c.digest.in_(list(digests)))
        found |= {row.digest: row.value for row in connection.execute(query)}
    return found


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(_header(name, len(data)), io.BytesIO(data))


def _add_blob(ws: Workspace, tar: tarfile.TarFile, blob: str) -> None:
    file = ws.blobs.path(blob)
    with file.open("rb") as source:
        tar.addfile(_header(f"{BLOBS}{blob}", file.stat().st_size), source)
    if digest_file(file) != blob:
        raise Corrupt(f"blob {blob[:12]} is damaged", hint="restore it from a backup; no bundle was written")


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o644
    return header
