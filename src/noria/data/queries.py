"""The result of a query as a raw Parquet file: run by DuckDB beside the project, or by a PostgreSQL server.

A query is run every time a snapshot is taken; the same rows in the same order give the same file and so the
same snapshot.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.errors import BadInput, StorageFull, Unavailable
from noria.data.model import Location, QueryFailed, SnapshotFile
from noria.workspace.workspace import Workspace

RESULT = "query.parquet"
"""The name of the one file that a query's snapshot has."""

_BATCH = 20_000
_BY_OID: dict[int, tuple[Any, Callable[[Any], Any]]] = {
    16: (pa.bool_(), bool),
    20: (pa.int64(), int), 21: (pa.int64(), int), 23: (pa.int64(), int),
    700: (pa.float64(), float), 701: (pa.float64(), float), 1700: (pa.float64(), float),
    1082: (pa.date32(), lambda day: day),
    1114: (pa.timestamp("us"), lambda moment: moment),
    1184: (pa.timestamp("us", tz="UTC"), lambda moment: moment),
}  # fmt: skip


def keep_query(ws: Workspace, location: Location) -> list[SnapshotFile]:
    """Run the query and keep its rows as a blob.

    Raises QueryFailed with the database's own words, Unavailable when a server does not answer, StorageFull.
    """
    query = (location.query or "").strip().rstrip(";")
    target = ws.folder("tmp") / f"{ws.ids.new('query')}.parquet"
    try:
        with _room():
            if location.database is None:
                _by_duckdb(ws.root, query, target)
            else:
                _by_postgres(location.database, query, target)
        size = target.stat().st_size
        return [SnapshotFile(RESULT, ws.blobs.put_file(target), size)]
    finally:
        target.unlink(missing_ok=True)


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("no room left for a query's result", hint="free room and run again") from error
        raise


def _by_duckdb(root: Path, query: str, target: Path) -> None:
    # no extension is ever fetched; files are found from the project's folder, times are UTC
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "file_search_path": str(root),
    }
    try:
        with duckdb.connect(config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({query}\n) TO '{_quoted(target)}' (FORMAT parquet)")
    except duckdb.Error as error:
        text = str(error)
        if "No space left" in text:
            raise StorageFull("no room left for a query's result", hint="free room and run again") from error
        raise QueryFailed(f"DuckDB refused the query: {text}", hint=f"try it with the folder {root}") from error


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _by_postgres(url: str, query: str, target: Path) -> None:
    try:
        import psycopg
    except ImportError as error:
        raise BadInput("a PostgreSQL source needs psycopg", hint="pip install 'noria[postgres]'") from error
    try:
        with psycopg.connect(_plain_url(url), autocommit=False) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute("SET LOCAL synchronize_seqscans = off")  # the same rows in the same order each time
            connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            connection.execute("SET LOCAL TimeZone = 'UTC'")
            with connection.cursor(name="noria_source") as cursor:
                cursor.itersize = _BATCH
                cursor.execute(query.encode())
                _write_rows(cursor, target)
    except psycopg.OperationalError as error:
        hint = "nothing was accepted; run again when it is back"
        raise Unavailable(f"PostgreSQL does not answer: {error}", hint=hint) from error
    except psycopg.Error as error:
        raise QueryFailed(f"PostgreSQL refused the query: {error}", hint="try it with psql") from error


def _plain_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise BadInput(f"a source's database is a PostgreSQL URL, not one of scheme {scheme.split('/')[0]!r}",
                       hint="write postgresql://user@host/name, or leave it out to query with DuckDB")  # fmt: skip
    return f"postgresql://{rest}"


def _write_rows(cursor: Any, target: Path) -> None:
    columns = [(one.name, *_BY_OID.get(one.type_code, (pa.string(), _text))) for one in cursor.description or ()]
    schema = pa.schema([(name, kind) for name, kind, _ in columns])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while rows := cursor.fetchmany(_BATCH):
            writer.write_table(_table(rows, columns, schema))


def _table(rows: Sequence[Sequence[Any]], columns: Sequence[tuple[str, Any, Callable[[Any], Any]]], schema: Any) -> Any:
    cells = zip(*rows, strict=True)
    arrays = [
        pa.array([None if cell is None else make(cell) for cell in column], kind)
        for column, (_, kind, make) in zip(cells, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
