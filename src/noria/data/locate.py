"""The raw files of a source, as immutable blobs. A file that has not changed is not read again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from noria.core.errors import BadInput, NotFound
from noria.data.model import SnapshotFile, SourceSpec, UnreadableFile
from noria.data.tables import file_index
from noria.stores.database import Database
from noria.workspace.workspace import Workspace

_BATCH = 50_000


def raw_files(ws: Workspace, spec: SourceSpec) -> list[SnapshotFile]:
    """Every raw file of a source, kept as a blob; a query's result counts as one file.

    Raises NotFound when nothing matches, UnreadableFile when a file may not be read.
    """
    if spec.location.query is not None:
        return [_query_result(ws, spec, spec.location.query)]
    pattern = spec.location.path or ""
    paths = sorted(path for path in ws.root.glob(pattern) if path.is_file()) if not Path(pattern).is_absolute() else (
        sorted(Path(pattern).parent.glob(Path(pattern).name))
    )  # fmt: skip
    if not paths:
        raise NotFound("file", pattern, hint=f"[source.{spec.name}] path is looked for under {ws.root}")
    known = _known(ws)
    return [_kept(ws, path, known) for path in paths]


def _known(ws: Workspace) -> dict[str, tuple[int, int, int, str]]:
    columns = file_index.c
    query = sa.select(columns.path, columns.size, columns.modified, columns.inode, columns.digest)
    with ws.database.reading() as connection:
        return {row.path: (row.size, row.modified, row.inode, row.digest) for row in connection.execute(query)}


def _kept(ws: Workspace, path: Path, known: dict[str, tuple[int, int, int, str]]) -> SnapshotFile:
    name = path.relative_to(ws.root).as_posix() if path.is_relative_to(ws.root) else path.as_posix()
    status = path.stat()
    seen = (status.st_size, status.st_mtime_ns, status.st_ino)
    before = known.get(name)
    if before is not None and before[:3] == seen and ws.blobs.exists(before[3]):
        return SnapshotFile(name, before[3], status.st_size)
    try:
        digest = ws.blobs.put_file(path)
    except PermissionError as error:
        raise UnreadableFile(f"{name} may not be read", hint="look at its permissions") from error
    row = {"path": name, "size": seen[0], "modified": seen[1], "inode": seen[2], "digest": digest}
    with ws.database.transaction() as connection:
        ws.database.upsert(connection, file_index, [row], ["path"])
    return SnapshotFile(name, digest, status.st_size)


def _query_result(ws: Workspace, spec: SourceSpec, query: str) -> SnapshotFile:
    batches = _postgres(spec.location.database, query) if spec.location.database else _duckdb(ws, query)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.parquet"
        writer: pq.ParquetWriter | None = None
        for batch in batches:
            writer = writer or pq.ParquetWriter(path, batch.schema)
            writer.write_table(batch)
        if writer is None:
            raise BadInput(f"the query of {spec.name} gave no row", hint="an empty source teaches nothing")
        writer.close()
        digest = ws.blobs.put_file(path)
        return SnapshotFile("query.parquet", digest, path.stat().st_size)


def _duckdb(ws: Workspace, query: str) -> Iterator[pa.Table]:
    connection = duckdb.connect()
    try:
        connection.execute(f"SET TimeZone = 'UTC'; SET file_search_path = '{ws.root.as_posix()}'")
        yield connection.sql(query).to_arrow_table()
    except duckdb.Error as error:
        raise BadInput(f"DuckDB refused the query: {error}", hint='try it alone: `duckdb -c "..."`') from error
    finally:
        connection.close()


def _postgres(url: str, query: str) -> Iterator[pa.Table]:
    database = Database(url)
    try:
        with database.reading() as connection:
            result = connection.execution_options(yield_per=_BATCH).execute(sa.text(query))
            names = list(result.keys())
            for rows in result.partitions():
                columns = zip(*rows, strict=True)
                yield pa.table(dict(zip(names, map(pa.array, map(list, columns)), strict=True)))
    except sa.exc.ProgrammingError as error:
        raise BadInput(f"PostgreSQL refused the query: {error.orig}") from error
    finally:
        database.close()
