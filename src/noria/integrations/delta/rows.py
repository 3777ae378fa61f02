"""The rows of a table of a data version, batch after batch, as Delta Lake can hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from noria.core.errors import BadInput, NoriaError, NotFound
from noria.data.model import UnreadableFile
from noria.data.versions.model import Entry, Snapshot, TableEntry
from noria.data.versions.objects import ObjectStore
from noria.data.versions.operations import manifest_of
from noria.data.versions.rows import NoKey, quoted
from noria.integrations.delta.types import cast_batch, fitted
from noria.workspace.workspace import Workspace

_BATCH = 1 << 16


def table_of(ws: Workspace, snapshot: Snapshot, name: str) -> tuple[TableEntry, dict[bytes, Entry]]:
    """A table of the snapshot, the only one when none is named, and the entries of its files.

    Raises NotFound, BadInput.
    """
    manifest, entries = manifest_of(ws, snapshot)
    tables = {table.name: table for table in manifest.tables}
    if not tables:
        said = f"{snapshot.dataset}@{snapshot.id[:12]} has no tables"
        raise BadInput(said, hint="declare one and commit: noria data commit FOLDER --table 'NAME=*.parquet:KEY'")
    if not name and len(tables) > 1:
        raise BadInput(f"which table? There are {', '.join(sorted(tables))}", hint="say it with --name")
    found = tables.get(name) if name else next(iter(tables.values()))
    if found is None:
        raise NotFound("table", name, tables)
    return found, {entry.path: entry for entry in entries if entry.path in set(found.files)}


@contextmanager
def reading(store: ObjectStore, table: TableEntry, entries: dict[bytes, Entry]) -> Iterator[Any]:
    """A reader of the table's rows, once. Raises NoDeltaType, UnreadableFile, NotFound, Corrupt."""
    paths = [store.demand(entries[path].blake3, entries[path].size)[0] for path in table.files]
    failed: list[NoriaError] = []
    with duckdb.connect() as connection:
        with _readable(table):
            schema, batches = _parquet(paths) if table.format == "parquet" else _csv(connection, paths, table)
        wanted = fitted(schema)
        try:
            yield pa.RecordBatchReader.from_batches(wanted, _fitting(batches, wanted, table, failed))
        except Exception as error:
            if failed:  # who reads it turned our error into text of its own
                raise failed[0] from error
            raise


@contextmanager
def _readable(table: TableEntry) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise UnreadableFile(f"the table {table.name!r} cannot be read: {str(error).splitlines()[0][:200]}") from error


def check_key(store: ObjectStore, table: TableEntry, entries: dict[bytes, Entry]) -> None:
    """Whether the key of the table names its rows: none is null, none there twice. Raises NoKey."""
    if not table.key:
        raise NoKey(f"the table {table.name!r} has no key to merge by", hint="declare one: --table NAME=PATTERN:KEY")
    paths = [store.demand(entries[path].blake3, entries[path].size)[0] for path in table.files]
    reader = "read_parquet($1)" if table.format == "parquet" else "read_csv($1, header = true, all_varchar = true)"
    keys = ", ".join(map(quoted, table.key))
    nulls = " OR ".join(f"{quoted(one)} IS NULL" for one in table.key)
    query = f"SELECT {keys} FROM {reader} GROUP BY {keys} HAVING count(*) > 1 OR ({nulls}) LIMIT 1"
    with duckdb.connect() as connection:
        found = connection.execute(query, [paths]).fetchone()
    if found is not None:
        told = ", ".join(f"{one}={value!r}" for one, value in zip(table.key, found, strict=True))
        raise NoKey(f"the key of the table {table.name!r} does not name its rows: {told} is null or there twice",
                    hint="a merge needs a key that is never null and never repeats")  # fmt: skip


def _fitting(batches: Iterable[Any], schema: Any, table: TableEntry, failed: list[NoriaError]) -> Iterator[Any]:
    try:
        with _readable(table):
            for batch in batches:
                yield cast_batch(batch, schema)
    except NoriaError as error:
        failed.append(error)
        raise


def _parquet(paths: list[str]) -> tuple[Any, Iterable[Any]]:
    rows = ds.dataset(paths, format="parquet")
    return rows.schema, rows.to_batches(use_threads=False, batch_size=_BATCH)


def _csv(connection: Any, paths: list[str], table: TableEntry) -> tuple[Any, Iterable[Any]]:
    """CSV as the types that were found when it was committed."""
    types = "{" + ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in table.schema) + "}"
    connection.execute("SET TimeZone = 'UTC'")
    query = f"SELECT * FROM read_csv($1, header = true, columns = {types})"
    found = connection.sql(query, params=[paths]).to_arrow_reader(_BATCH)
    return found.schema, found


def _text(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"
