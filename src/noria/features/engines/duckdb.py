"""Views on DuckDB by the same statement as on other engines; what `features.offline` computes, in another way."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from noria.features.dialects.base import Dialect
from noria.features.dialects.duckdb import DuckDb
from noria.features.engines.model import EngineRefused, Rows, Statement, TimeKind, qualified, relation
from noria.features.engines.putting import apart, plain

_KINDS: dict[str, TimeKind] = {
    "TIMESTAMP": "local", "TIMESTAMP_S": "local", "TIMESTAMP_MS": "local", "DATE": "local",
    "TIMESTAMP_NS": "nanos", "TIMESTAMP WITH TIME ZONE": "instant", "TIMESTAMP WITH TIME ZONE_NS": "nanos",
    "TIMESTAMPTZ_NS": "nanos",
}  # fmt: skip
_BATCH = 100_000


class DuckDbEngine:
    """DuckDB: a connection of yours, or one of its own in memory."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self.dialect: Dialect = DuckDb()
        self._connection = connection or duckdb.connect(config={"autoinstall_known_extensions": False})
        self._own = connection is None
        self._put: list[str] = []

    def look(self, rows: str) -> Rows:
        sql = relation(rows)
        try:
            described = self._connection.execute(f"DESCRIBE SELECT * FROM {sql} r").fetchall()
        except duckdb.Error as error:
            raise EngineRefused(f"DuckDB cannot read {rows!r}: {error}") from error
        times = {str(name): _KINDS[str(kind)] for name, kind, *_ in described if str(kind) in _KINDS}
        return Rows(sql, tuple(str(name) for name, *_ in described), times)

    def put(self, table: pa.Table) -> Rows:
        name, ready = f"noria_put_{len(self._put)}", plain(table)
        renamed, names = apart(ready)
        self._connection.register(f"{name}_view", renamed)
        try:
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM {name}_view")
        finally:
            self._connection.unregister(f"{name}_view")
        self._put.append(name)
        return Rows(name, tuple(ready.column_names), names=names)

    def read(self, statement: Statement) -> Iterator[pa.RecordBatch]:
        try:
            reader = self._connection.sql(statement.sql).to_arrow_reader(_BATCH)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            yield from reader
        except duckdb.Error as error:
            raise EngineRefused(f"DuckDB refused the features' statement: {error}") from error

    def save(self, statement: Statement, table: str) -> None:
        try:
            self._connection.execute(f"CREATE TABLE {qualified(self.dialect, table)} AS {statement.sql}")
        except duckdb.Error as error:
            raise EngineRefused(f"DuckDB does not make the table {table!r}: {error}") from error

    def close(self) -> None:
        for name in self._put:
            self._connection.execute(f"DROP TABLE IF EXISTS {name}")
        if self._own:
            self._connection.close()
