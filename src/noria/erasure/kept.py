"""What serving keeps of a subject: online features, acknowledged events, logged predictions and feedback."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noria.core.errors import Conflict
from noria.erasure.model import ERASED, Place, StillRunning, Subject
from noria.erasure.rows import mask
from noria.erasure.values import mentions, scrubbed
from noria.features.online.packing import packed, unfolded
from noria.stores.compaction import compact_lmdb
from noria.stores.online import OnlineStore
from noria.stores.spool import rewrite_spool
from noria.workspace.workspace import Workspace

ONLINE = "features"
"""The name of the online store that the data plane keeps."""


def erase_online(ws: Workspace, subject: Subject) -> list[Place]:
    """Remove the subject's states, and its texts from everybody else's; then write the store anew.

    Sums over many, which hold a share of the subject's rows and name nobody, stay until their windows have passed.
    """
    folder = ws.settings.online / ONLINE if isinstance(ws.settings.online, Path) else None
    if folder is not None and not (folder / "data.mdb").exists():
        return []
    store = ws.online_store(ONLINE)
    try:
        found = _erase_store(store, subject)
    finally:
        store.close()
    if found and folder is not None:
        compact_lmdb(folder)
    return [Place("online store", ONLINE, found, "states removed")] if found else []


def _erase_store(store: OnlineStore, subject: Subject) -> int:
    found, names = 0, _encoded(subject)
    for key in list(store.keys(b"")):
        if any(name in key for name in names):
            store.put_many({key: None})
            found += 1
            continue
        (value,) = store.get_many([key])
        changed = None if value is None else _without(value, subject)
        if changed is not None and changed != value:
            store.put_many({key: changed})
            found += 1
    return found


def _encoded(subject: Subject) -> list[bytes]:
    """How the key of a state names the subject: its value in MessagePack, or the digest of one that is too long."""
    plain: list[Any] = [subject.value]
    if subject.value.lstrip("-").isdecimal():
        return [packed([int(subject.value)]), packed(plain)]
    return [packed(subject.value), hashlib.sha256(packed(plain)).digest()]


def erase_events(ws: Workspace, subject: Subject) -> list[Place]:
    """Blank the subject's events in spools; each record stays under its number, so that nothing is counted anew.

    Raises StillRunning when a server writes a spool.
    """
    places = []
    for folder in sorted({path.parent for path in ws.settings.home.rglob("*.spool")}):
        try:
            found = rewrite_spool(folder, lambda record: _record_without(record, subject))
        except Conflict as error:
            raise StillRunning(
                f"{folder} is written by a running server", hint="stop `noria up` or `noria serve`, and erase again"
            ) from error
        if found:
            name = folder.relative_to(ws.settings.home).as_posix()
            places.append(Place("spool", name, found, "records blanked"))
    return places


def _record_without(record: bytes, subject: Subject) -> bytes:
    value = msgspec.msgpack.decode(record)
    without = _told_without(value, subject)
    return record if without == value else msgspec.msgpack.encode(without)


def _told_without(value: Any, subject: Subject) -> Any:
    match value:
        case [source, stream, position, [*rows], *rest]:  # events
            kept = [scrubbed(one, subject) for one in rows if not subject.owns(one[0])]
            return [*scrubbed([source, stream, position], subject), kept, *scrubbed(rest, subject)]
        case {"prediction_id": _} if _predicted(value, subject):
            return _blank(value)
        case _:
            return scrubbed(value, subject)


def _predicted(record: dict[str, Any], subject: Subject) -> bool:
    return subject.owns(record.get("request") or {}) or any(
        str(record.get("key")) in keys for keys in subject.keys.values()
    )


def _blank(record: dict[str, Any]) -> dict[str, Any]:
    """A prediction that keeps its place and its id and tells nothing: of no model, so that nobody counts it."""
    return record | {"model": ERASED, "key": ERASED, "request": {}, "features": {}, "output": 0.0, "other_output": None}


def erase_logs(ws: Workspace, subject: Subject) -> list[Place]:
    """Blank the subject's predictions and feedback in the Parquet files of the log, in their places."""
    places = []
    for path in sorted((ws.settings.home / "log").glob("*/*.parquet")):
        if found := _erase_log(path, subject):
            name = path.relative_to(ws.settings.home).as_posix()
            places.append(Place("prediction log", name, found, "predictions blanked in their places"))
    return places


def _erase_log(path: Path, subject: Subject) -> int:
    table = pq.read_table(path)
    plain = table.rename_columns([name.removeprefix("request.") for name in table.column_names])
    mine = mask(plain, subject)
    if "key" in table.column_names and subject.keys:
        keys = pa.array(sorted(set().union(*subject.keys.values())), pa.string())
        keyed = pc.fill_null(pc.is_in(table["key"], value_set=keys), False)
        mine = keyed if mine is None else pc.or_(mine, keyed)
    found = 0 if mine is None else int(pc.sum(mine).as_py() or 0)
    if not found:
        return 0
    columns = [_blanked(name, table[name], mine) for name in table.column_names]
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(pa.Table.from_arrays(columns, schema=table.schema), temporary, compression="zstd")
    temporary.replace(path)
    return found


def _blanked(name: str, values: pa.ChunkedArray, mine: pa.ChunkedArray) -> pa.ChunkedArray:
    if name in ("model", "key"):
        return pc.if_else(mine, pa.scalar(ERASED), values)
    if name.startswith(("request.", "feature.")) or name == "other_output":
        return pc.if_else(mine, pa.scalar(None, values.type), values)
    return pc.if_else(mine, pa.scalar(0.0), values) if name == "output" else values


def _without(value: bytes, subject: Subject) -> bytes:
    """Stored bytes, MessagePack or JSON, without the subject."""
    for decode, encode in _FORMS:
        try:
            told = decode(value)
        except (ValueError, TypeError, RecursionError):
            continue
        if next(mentions(told, subject), None) is not None:
            return encode(scrubbed(told, subject))
    return value


_FORMS: tuple[tuple[Callable[[bytes], Any], Callable[[Any], bytes]], ...] = (
    (unfolded, packed),
    (json.loads, lambda told: json.dumps(told).encode()),
)
