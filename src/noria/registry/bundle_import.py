"""Taking a bundle in: all of it or nothing, twice as well as once.

What is here already stays as it is: a version under the same number must be the same version, an alias that points
elsewhere keeps pointing there, a tag keeps its value. An alias moves in only if this server's policies let it; one
that they hold back is told, and can be set later like any other. What a bundle says that people said elsewhere
is history here, and counts for no approval.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec
import sqlalchemy as sa

from noria.core.digest import canonical, digest_bytes, digest_file
from noria.core.errors import BadInput, NoriaError, Unavailable
from noria.data.model import Snapshot
from noria.registry import bundle_restore, events, history, reading
from noria.registry.bundle import (
    BLOBS,
    LARGEST_DOCUMENT,
    MANIFEST,
    REGISTRY,
    Bundle,
    BundleConflict,
    BundledFact,
    Contents,
    DamagedBundle,
    Member,
    allowed,
    is_digest,
    read_contents,
    read_registry,
)
from noria.registry.bundle_export import CARRIED, bundled
from noria.registry.changes import changing, tell
from noria.registry.names import check_alias, check_model_name, check_tags
from noria.registry.stages import DELETED
from noria.registry.tables import bundled_snapshots, versions
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Imported:
    """What came in: new versions, aliases set; `held_back` says of each alias that was not, why."""

    model: str
    versions: tuple[int, ...] = ()
    already: tuple[int, ...] = ()
    aliases: tuple[str, ...] = ()
    held_back: dict[str, str] = field(default_factory=dict)
    facts: int = 0


def import_bundle(ws: Workspace, path: Path, *, force: bool = False, reason: str = "") -> Imported:
    """Take in the bundle at `path`. With `force` and a reason, aliases come in whatever policies say.

    Raises DamagedBundle, BundleConflict when a version is here with other content, StorageFull.
    """
    with _opened(path) as tar:
        members = _members(tar)
        contents = read_contents(_document(tar, members, MANIFEST, None))
        _compare(members, contents)
        text = _document(tar, members, REGISTRY, contents.files[REGISTRY])
        bundle = read_registry(text)
        _check(bundle, contents)
        for name, member in members.items():
            if name.startswith(BLOBS):
                _keep(ws, tar, member, name.removeprefix(BLOBS))
    with changing(ws) as connection:
        return _take_in(ws, connection, bundle, digest_bytes(text), force=force, reason=reason)


def _take_in(
    ws: Workspace, connection: sa.Connection, bundle: Bundle, name: str, *, force: bool, reason: str
) -> Imported:
    known = bool(reading.models_by_name(connection, [bundle.model]))
    here = _here(ws, connection, bundle.model)
    same = [one for one in bundle.versions if one.number in here]
    if other := [one.number for one in same if here[one.number] != one.fingerprint]:
        raise BundleConflict(bundle.model, other)
    new = [one for one in bundle.versions if one.number not in here]
    _snapshots(ws, connection, bundle)
    bundle_restore.model(ws, connection, bundle, known=known)
    for one in new:
        bundle_restore.version(ws, connection, bundle.model, one)
    facts = _history(ws, connection, bundle)
    alive = [one.number for one in new if one.stage != DELETED]
    aliases, held_back = bundle_restore.aliases(ws, connection, bundle, set(alive), force=force, reason=reason)
    if not known or new or facts or aliases:
        told = {"bundle": name, "versions": alive, "aliases": aliases, "held_back": held_back, "reason": reason}
        tell(ws, connection, "ModelImported", bundle.model, told)
    bundle_restore.reconcile(ws, connection, bundle.model)
    for one in new:
        if one.stage != DELETED:
            events.version_created(
                ws, connection, bundle.model, one.number, source=one.source, run=one.run, tags=one.tags,
                description=one.description,
            )  # fmt: skip
    there = tuple(one.number for one in same if one.stage != DELETED)
    return Imported(bundle.model, tuple(alive), there, tuple(aliases), held_back, facts)


def _here(ws: Workspace, connection: sa.Connection, model: str) -> dict[int, str]:
    """The fingerprint of every version that is here, deleted ones included."""
    rows = connection.execute(sa.select(versions).where(versions.c.model == model)).all()
    there = {one.number: one for one in reading.hydrated(connection, [row for row in rows if row.stage != DELETED])}
    return {row.number: bundled(ws, connection, row, there.get(row.number)).fingerprint for row in rows}


def _history(ws: Workspace, connection: sa.Connection, bundle: Bundle) -> int:
    """Tell what was told elsewhere, each fact once however often it comes, and none later than now."""
    known = {told.origin for told in history.facts_of(connection, bundle.model, CARRIED)}
    new = [fact for fact in bundle.history if fact.origin not in known]
    for fact in new:
        source = {"at": min(fact.at, ws.clock.now()), "actor": fact.actor, "origin": fact.origin}
        tell(ws, connection, fact.kind, bundle.model, {**fact.data, history.IMPORTED: source})
    return len(new)


def _snapshots(ws: Workspace, connection: sa.Connection, bundle: Bundle) -> None:
    """Descriptions of data snapshots, so that lineage ends at the names of files here too."""
    rows = [{"digest": name, "value": text} for name, text in bundle.snapshots.items()]
    ws.database.upsert(connection, bundled_snapshots, rows, ["digest"])


def _check(bundle: Bundle, contents: Contents) -> None:
    """Everything in `registry.json` that the tables, the journal or the artifact tree would trip over."""
    try:
        check_model_name(bundle.model, new=True)
        check_tags(bundle.tags, of_version=False)
        numbers = [one.number for one in bundle.versions]
        if len(set(numbers)) != len(numbers) or any(not 0 < number < 2**31 for number in numbers):
            raise DamagedBundle("its versions are not numbered")
        for alias, number in bundle.aliases.items():
            check_alias(alias, new=True)
            if number not in [one.number for one in bundle.versions if one.stage != DELETED]:
                raise DamagedBundle(f"its alias {alias!r} points at no version")
        for one in bundle.versions:
            bundle_restore.check_version(one, contents)
        for name, text in bundle.snapshots.items():
            if not is_digest(name) or msgspec.json.decode(text, type=Snapshot).digest != name:
                raise DamagedBundle("a snapshot is not the one it is filed under")
        _check_facts(bundle.history)
    except (BadInput, msgspec.MsgspecError, ValueError) as error:
        said = error.message if isinstance(error, NoriaError) else str(error)
        raise DamagedBundle(said) from error


def _check_facts(facts: list[BundledFact]) -> None:
    for fact in facts:
        if fact.kind not in CARRIED or not is_digest(fact.origin) or len(fact.actor) > 255 or "\x00" in fact.actor:
            raise DamagedBundle(f"it tells a fact {fact.kind[:40]!r} that no bundle has")
        if "\\u0000" in canonical(fact.data) or history.IMPORTED in fact.data:
            raise DamagedBundle(f"a fact {fact.kind!r} has content that none has")
        if fact.kind in history.MOVES and not isinstance(fact.data.get("alias"), str):
            raise DamagedBundle(f"a fact {fact.kind!r} does not say which alias moved")
        if fact.kind.startswith(("Version", "Stage")) and not isinstance(fact.data.get("version"), int):
            raise DamagedBundle(f"a fact {fact.kind!r} does not say of which version")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise DamagedBundle(f"{path.name} is no whole tar file: {error}") from error
    except FileNotFoundError as error:
        raise Unavailable(f"there is no file {path}") from error


def _members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        if not allowed(member.name) or not member.isfile() or member.issparse():
            raise DamagedBundle(f"it has a member {member.name[:80]!r}, which no bundle has")
        if member.name in found:
            raise DamagedBundle(f"it has {member.name} twice")
        found[member.name] = member
    if MANIFEST not in found:
        raise DamagedBundle(f"it has no {MANIFEST}")
    return found


def _compare(members: dict[str, tarfile.TarInfo], contents: Contents) -> None:
    inside = {name: member.size for name, member in members.items() if name != MANIFEST}
    listed = {name: member.size for name, member in contents.files.items()}
    if inside != listed:
        wrong = sorted(set(inside.items()) ^ set(listed.items()))[0][0]
        raise DamagedBundle(f"{wrong} is not there as {MANIFEST} lists it")


def _document(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str, expected: Member | None) -> bytes:
    if members[name].size > LARGEST_DOCUMENT:
        raise DamagedBundle(f"{name} has {members[name].size} bytes")
    data = _reader(tar, members[name]).read()
    if expected is not None and digest_bytes(data) != expected.sha256:
        raise DamagedBundle(f"{name} was changed")
    return data


def _keep(ws: Workspace, tar: tarfile.TarFile, member: tarfile.TarInfo, blob: str) -> None:
    """Put one blob into the store, through a file of our own that is checked first."""
    if ws.blobs.exists(blob) and digest_file(ws.blobs.path(blob)) == blob:
        return
    with tempfile.NamedTemporaryFile(dir=ws.folder("tmp")) as file:
        source = _reader(tar, member)
        while chunk := source.read(1 << 20):
            file.write(chunk)
        file.flush()
        if digest_file(Path(file.name)) != blob:
            raise DamagedBundle(f"{member.name} was changed")
        ws.blobs.put_file(Path(file.name))


def _reader(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    source = tar.extractfile(member)
    if source is None:
        raise DamagedBundle(f"{member.name} is no file")
    return source
