"""A version of a Delta table as raw Parquet files kept as blobs: a file that was read for an earlier version is not
read again, since a Delta table never changes a file.

Each data file is read with the columns of the table's schema at that version: a partition's value and a column that is
younger than the file are filled in. Tables with deletion vectors, column mapping or another feature beyond that are
read by deltalake's own engine, whole, sorted by all columns, since the engine promises no order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from noria.core.digest import digest
from noria.data import tables
from noria.data.lake import opening
from noria.data.model import DeltaVersion, NoFiles, SnapshotFile, UnreadableFile
from noria.workspace.workspace import Workspace

_BY_FILE = {"timestampNtz"}
_ROWS = "rows.parquet"


def keep_delta(ws: Workspace, where: str, version: int | None) -> tuple[list[SnapshotFile], DeltaVersion]:
    """The rows of a table at a version (None: the newest one), and which version that is.

    Raises NoDeltaTable, NoVersion, UnreadableTable, UnreadableFile, NoFiles for a table without any file, Unavailable,
    StorageFull.
    """
    place = opening.place_of(ws.root, where)
    table = opening.open_table(place, version)
    pin = DeltaVersion(place, str(table.metadata().id), table.version())
    files = _keep_files(ws, table, pin) if _simple(table) else [_keep_whole(ws, table, pin)]
    if not files:
        raise NoFiles(f"version {pin.version} of {place} has no rows at all", hint="read a version that has some")
    return files, pin


def _simple(table: Any) -> bool:
    """Whether every data file holds rows as they are, under the names that they have."""
    mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    return mapping == "none" and set(table.protocol().reader_features or ()) <= _BY_FILE


def _keep_files(ws: Workspace, table: Any, pin: DeltaVersion) -> list[SnapshotFile]:
    import pyarrow.dataset as ds

    with opening.reading(pin.place, pin.version):
        rows = table.to_pyarrow_dataset(parquet_read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
    shape = digest({"columns": [(field.name, str(field.type)) for field in rows.schema]})[:32]
    fragments = {_name(pin, one.path): one for one in rows.get_fragments()}
    known = _known(ws, list(fragments), shape)
    kept, fresh = [], []
    for name, fragment in sorted(fragments.items()):
        if name in known and ws.blobs.exists(known[name].digest):
            kept.append(known[name])
            continue
        fresh.append(_write(ws, name, rows.schema, fragment, pin))
        kept.append(fresh[-1])
    _remember(ws, fresh, shape)
    return kept


def _name(pin: DeltaVersion, path: str) -> str:
    """What a data file is called in a snapshot: without the values of partitions that are in its path."""
    last = path.rpartition("/")[2]
    return f"{pin.table}/{digest(path)[:8]}-{last}" + ("" if last.endswith(".parquet") else ".parquet")


def _keep_whole(ws: Workspace, table: Any, pin: DeltaVersion) -> SnapshotFile:
    name, shape = f"{pin.table}/{_ROWS}", f"version {pin.version}"
    if known := _known(ws, [f"{name}@{pin.version}"], shape):
        found = next(iter(known.values()))
        if ws.blobs.exists(found.digest):
            return SnapshotFile(name, found.digest, found.bytes)
    outside = opening.missing(opening.file_system(table), opening.data_files(table))
    if outside is not None:
        raise opening.gone(pin.place, pin.version, outside)
    target = ws.folder("tmp") / f"{ws.ids.new('delta')}.parquet"
    try:
        _sorted(table, target, pin)
        file = SnapshotFile(name, ws.blobs.put_file(target), target.stat().st_size)
    finally:
        target.unlink(missing_ok=True)
    _remember(ws, [SnapshotFile(f"{name}@{pin.version}", file.digest, file.bytes)], shape)
    return file


def _sorted(table: Any, target: Path, pin: DeltaVersion) -> None:
    import duckdb

    try:
        rows = pa.RecordBatchReader.from_stream(table.scan())
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("noria_rows", rows)
            connection.execute(f"COPY (FROM noria_rows ORDER BY ALL) TO '{_quoted(target)}' (FORMAT parquet)")
    except Exception as error:  # deltalake's engine raises nothing more particular
        raise UnreadableFile(
            f"version {pin.version} of {pin.place} cannot be read: {opening.first_line(error)}",
            hint="write the table anew without the feature that it uses",
        ) from error


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _write(ws: Workspace, name: str, schema: Any, fragment: Any, pin: DeltaVersion) -> SnapshotFile:
    target = ws.folder("tmp") / f"{ws.ids.new('delta')}.parquet"
    try:
        with (
            opening.reading(pin.place, pin.version, fragment.path),
            pq.ParquetWriter(target, schema, compression="zstd") as writer,
        ):
            for batch in fragment.to_batches(schema=schema, use_threads=False):
                writer.write_batch(batch)
        return SnapshotFile(name, ws.blobs.put_file(target), target.stat().st_size)
    finally:
        target.unlink(missing_ok=True)


def _known(ws: Workspace, names: list[str], shape: str) -> dict[str, SnapshotFile]:
    found = {}
    with ws.database.reading() as connection:
        for start in range(0, len(names), 500):
            wanted = [f"delta:{name}" for name in names[start : start + 500]]
            query = sa.select(tables.files).where(tables.files.c.path.in_(wanted), tables.files.c.inode == shape)
            for row in connection.execute(query):
                name = row.path.removeprefix("delta:")
                found[name] = SnapshotFile(name, row.digest, row.bytes)
    return found


def _remember(ws: Workspace, fresh: list[SnapshotFile], shape: str) -> None:
    """Index what was read. A Delta file has no other state than its name; `inode` tells under which schema."""
    rows = [
        {"path": f"delta:{file.name}", "bytes": file.bytes, "modified_ns": 0, "changed_ns": 0, "inode": shape,
         "digest": file.digest}
        for file in fresh
    ]  # fmt: skip
    if rows:
        with ws.database.transaction() as connection:
            ws.database.upsert(connection, tables.files, rows, ["path"])
