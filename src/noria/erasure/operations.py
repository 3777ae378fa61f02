"""What can be done about a person: forget everything, and read everything again to see that it is forgotten."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.data import tables as data_tables
from noria.data.versions.trees import all_trees
from noria.erasure.kept import erase_events, erase_logs, erase_online
from noria.erasure.lake import elsewhere, erase_tables, local, tables_in
from noria.erasure.model import Certificate, Hit, Place, Subject
from noria.erasure.reading import files_below, hits_in
from noria.erasure.records import erase_records, hits_in_database
from noria.erasure.rows import is_parquet, keys_of
from noria.erasure.values import mentions, scrubbed
from noria.erasure.versions import erase_file, erase_versions, rows_gone
from noria.registry import operations as registry
from noria.registry.tags import set_version_tag
from noria.stores.compaction import compact_database
from noria.stores.journal import Fact
from noria.training.tables import step_results
from noria.workspace.workspace import Workspace

TAG = "noria.erased"
"""The tag of a model version that was trained on erased rows; its value is the certificate's id."""

Watch = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it goes."""


def subject_of(text: str) -> Subject:
    """`tailnum=N14228` as a subject. Raises BadInput."""
    column, sign, value = text.partition("=")
    if not sign or not re.fullmatch(r"\w+", column.strip()):
        raise BadInput(f"{text!r} names no one", hint="write COLUMN=VALUE, such as user=u-4711")
    return Subject(column.strip(), value.strip())


def erase(ws: Workspace, subject: Subject, *, watch: Watch = lambda *_: None) -> Certificate:
    """Forget a subject in the project's files, blobs, database, online store, logs and spools.

    Rows go; records that must keep their place are blanked; a blob's digest stays a name for what took its place, so
    lineage can be read as before. Erasing again, also after a kill in the middle, does what is left. Afterwards every
    file is read again (see `reading`), and the certificate names what was done, which models learnt from erased rows,
    and anything that remains.

    Raises StillRunning when a server of this project runs, StorageFull, Unavailable.
    """
    subject = replace(subject, keys=_keys(ws, subject))
    plain = replace(subject, keys={})
    places = erase_events(ws, subject)  # first, for it finds out whether a server is running
    places += erase_online(ws, plain)
    places += erase_logs(ws, subject)
    places += erase_versions(ws, plain)
    places += _erase_tables(ws, plain) + erase_tables(tables_in(_snapshots(ws)), plain)
    blobs, shrunk = _erase_blobs(ws, plain, subject, watch)
    models = _affected(ws, set(shrunk))
    places += blobs + erase_records(ws, plain, shrunk)
    certificate = _certified(ws, plain, places, models)
    with ws.database.transaction() as connection:
        ws.journal.append(connection, _fact(certificate))
    for name in models:
        model, _, number = name.rpartition("/")
        set_version_tag(ws, model, int(number), TAG, certificate.id)
    compact_database(ws.database, [place.name for place in places if place.kind == "database"])
    read, remaining = look(ws, plain, watch=watch)
    certificate = replace(certificate, read=read, remaining=remaining)
    _keep(ws, certificate)
    return certificate


def look(ws: Workspace, subject: Subject, *, watch: Watch = lambda *_: None) -> tuple[int, tuple[Hit, ...]]:
    """Read every file and table of the project, changing nothing: how many files, and what names the subject."""
    roots = [ws.root, *(one for one in _outside(ws) if one.exists())]
    files, found = files_below(*roots), [*hits_in_database(ws, subject), *elsewhere(tables_in(_snapshots(ws)))]
    for number, path in enumerate(files):
        watch("reading", number, len(files))
        name = path.relative_to(ws.root).as_posix() if path.is_relative_to(ws.root) else path.as_posix()
        found += (Hit(name, where) for where in hits_in(path, subject))
    return len(files), tuple(found)


def certificates(ws: Workspace) -> list[Certificate]:
    """Every certificate of this workspace, oldest first."""
    paths = sorted(ws.folder("erasures").glob("*.json"))
    return [msgspec.convert(json.loads(path.read_text()), Certificate) for path in paths]


def _outside(ws: Workspace) -> Iterator[Path]:
    """Folders of the workspace, and checked-out ones, that do not lie in the project's."""
    trees = [Path(tree.path) for tree in all_trees(ws)]
    for folder in (
        ws.settings.home,
        ws.settings.artifacts,
        ws.settings.online,
        *trees,
        *local(tables_in(_snapshots(ws))),
    ):
        if isinstance(folder, Path) and not folder.resolve().is_relative_to(ws.root):
            yield folder.resolve()


def _keys(ws: Workspace, subject: Subject) -> dict[str, frozenset[str]]:
    """By which keys other rows name the subject's: those of sources that have both the column and a key."""
    found: dict[str, set[str]] = {}
    for told in _snapshots(ws):
        key = told["schema"].get("key")
        names = {column["name"] for column in told["schema"]["columns"]}
        if key and key != subject.column and subject.column in names:
            found.setdefault(key, set())
    for digest in ws.blobs.digests() if found else ():
        path = ws.blobs.path(digest)
        if is_parquet(path):
            for key, values in found.items():
                values |= keys_of(path, subject, key)
    return {key: frozenset(values) for key, values in found.items() if values}


def _snapshots(ws: Workspace) -> list[dict[str, Any]]:
    with ws.database.reading() as connection:
        return [json.loads(value) for value in connection.execute(sa.select(data_tables.snapshots.c.value)).scalars()]


def _erase_tables(ws: Workspace, subject: Subject) -> list[Place]:
    """The files of sources themselves, each written anew beside itself and put in its place."""
    named = {ws.root / file["name"] for told in _snapshots(ws) for file in told["files"]}
    places = []
    for path in sorted(one for one in named if one.is_file()):
        if found := erase_file(path, subject):
            name = path.relative_to(ws.root).as_posix() if path.is_relative_to(ws.root) else path.as_posix()
            places.append(Place("table", name, found, "rows removed"))
    return places


def _erase_blobs(ws: Workspace, plain: Subject, linked: Subject, watch: Watch) -> tuple[list[Place], dict[str, int]]:
    """Blobs of rows: sources' by the subject's own column, training frames also by the keys of its rows."""
    frames, places, shrunk = _frames(ws), [], {}
    digests = sorted(ws.blobs.digests())
    for number, digest in enumerate(digests):
        watch("erasing", number, len(digests))
        fresh = ws.folder("tmp") / f"{digest}.erasing"
        try:
            path = ws.blobs.path(digest)
            found = rows_gone(path, fresh, linked if digest in frames else plain) or _json_gone(path, fresh, plain)
            if found:
                ws.blobs.put_file(fresh, instead_of=digest)
                shrunk[digest] = found
                kind = "training frame" if digest in frames else "snapshot"
                places.append(Place(kind, digest[:12], found, "rows removed; the digest names what is left"))
        finally:
            fresh.unlink(missing_ok=True)
    return places, shrunk


def _json_gone(path: Path, target: Path, subject: Subject) -> int:
    data = path.read_bytes() if path.stat().st_size < 64 << 20 else b""
    if data[:1] not in (b"{", b"["):
        return 0
    try:
        value = json.loads(data)
    except ValueError:
        return 0
    found = len(list(mentions(value, subject)))
    if found:
        target.write_text(json.dumps(scrubbed(value, subject), ensure_ascii=False, sort_keys=True))
    return found


def _frames(ws: Workspace) -> set[str]:
    with ws.database.reading() as connection:
        values = connection.execute(sa.select(step_results.c.value)).scalars()
        return {blob for value in values for blob in json.loads(value).get("blobs", ())}


def _affected(ws: Workspace, changed: set[str]) -> tuple[str, ...]:
    """The versions whose training rows or snapshots lost rows."""
    touched = {told["digest"] for told in _snapshots(ws) if any(file["digest"] in changed for file in told["files"])}
    found = []
    for model in registry.models(ws):
        for version in registry.list_versions(ws, model):
            told = {version.lineage.features, *version.lineage.snapshots.values()}
            if told & (touched | changed):
                found.append(f"{model}/{version.number}")
    return tuple(found)


def _certified(ws: Workspace, subject: Subject, places: Iterable[Place], models: tuple[str, ...]) -> Certificate:
    salt = os.urandom(16).hex()
    return Certificate(
        id=ws.ids.new("erasure"),
        at=ws.clock.now(),
        actor=ws.actor,
        column=subject.column,
        salt=salt,
        subject=subject.sealed(salt),
        places=tuple(places),
        models=models,
        read=0,
        remaining=(),
    )


def _fact(certificate: Certificate) -> Fact:
    said = {
        "certificate": certificate.id,
        "column": certificate.column,
        "places": len(certificate.places),
        "models": list(certificate.models),
    }
    return Fact("SubjectErased", f"erasure:{certificate.id}", said)


def _keep(ws: Workspace, certificate: Certificate) -> None:
    path = ws.folder("erasures") / f"{certificate.id}.json"
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(asdict(certificate), indent=2))
    fresh.replace(path)
