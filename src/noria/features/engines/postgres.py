"""Views on PostgreSQL: rows of its tables are joined there, and only features travel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from noria.features.dialects.base import Dialect
from noria.features.dialects.postgres import Postgres
from noria.features.engines.model import (
    EngineAway,
    EngineMissing,
    EngineRefused,
    Rows,
    Statement,
    TimeKind,
    qualified,
    relation,
)
from noria.features.engines.putting import plain

BATCH = 20_000
"""Rows fetched at a time."""

_KINDS: dict[int, TimeKind] = {1114: "local", 1082: "local", 1184: "instant"}
_ARROW: dict[int, Any] = {
    16: pa.bool_(), 20: pa.int64(), 21: pa.int64(), 23: pa.int64(), 700: pa.float64(), 701: pa.float64(),
    1700: pa.float64(), 1082: pa.date32(), 1114: pa.timestamp("us"), 1184: pa.timestamp("us", tz="UTC"),
    1000: pa.list_(pa.bool_()), 1016: pa.list_(pa.int64()), 1022: pa.list_(pa.float64()),
    1009: pa.list_(pa.string()), 1015: pa.list_(pa.string()),
}  # fmt: skip
_TYPES: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "bigint"),
    (pa.types.is_floating, "double precision"),
    (pa.types.is_decimal, "numeric"),
)


class PostgresEngine:
    """A connection of its own, in one transaction; what is `put` lies in temporary tables.

    `url` is a libpq or an SQLAlchemy URL. Raises EngineAway when nobody answers there, EngineMissing without
    psycopg.
    """

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise EngineMissing("features on PostgreSQL need psycopg", hint="pip install 'noria[postgres]'") from error
        self.dialect: Dialect = Postgres()
        self._psycopg = psycopg
        self._put = 0
        scheme, _, rest = url.partition("://")
        if scheme.split("+")[0] not in ("postgresql", "postgres") or not rest:
            raise EngineRefused(f"{scheme!r} is no PostgreSQL URL", hint="write postgresql://user@host/name")
        with self._words("connecting"):
            self._connection = psycopg.connect(f"postgresql://{rest}", autocommit=False)
            self._connection.execute("SET TimeZone = 'UTC'")

    def look(self, rows: str) -> Rows:
        sql = relation(rows)
        with self._words(f"reading {rows!r}"), self._connection.transaction():
            cursor = self._connection.execute(f"SELECT * FROM {sql} r LIMIT 0".encode())
        described = cursor.description or ()
        times = {one.name: _KINDS[one.type_code] for one in described if one.type_code in _KINDS}
        return Rows(sql, tuple(one.name for one in described), times)

    def put(self, table: pa.Table) -> Rows:
        name, ready = f"noria_put_{self._put}", plain(table)
        self._put += 1
        columns = ", ".join(f"{self.dialect.quoted(field.name)} {_type(field.type)}" for field in ready.schema)
        names = ", ".join(self.dialect.quoted(field) for field in ready.column_names)
        with self._words("taking rows"), self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMP TABLE {name} ({columns})".encode())
            with cursor.copy(f"COPY {name} ({names}) FROM STDIN".encode()) as copy:
                for batch in ready.to_batches(max_chunksize=BATCH):
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        copy.write_row(row)
            cursor.execute(f"ANALYZE {name}".encode())  # temporary tables have no statistics of themselves
        return Rows(f"pg_temp.{name}", tuple(ready.column_names))

    def read(self, statement: Statement) -> Iterator[pa.RecordBatch]:
        with (
            self._words("joining"),
            self._connection.transaction(),
            self._connection.cursor(name="noria_features") as cursor,
        ):
            cursor.itersize = BATCH
            cursor.execute(statement.sql.encode())
            schema = _schema(cursor.description or ())
            yield pa.RecordBatch.from_pylist([], schema=schema)
            while rows := cursor.fetchmany(BATCH):
                yield _batch(rows, schema)

    def save(self, statement: Statement, table: str) -> None:
        name = qualified(self.dialect, table)
        with self._words(f"making the table {table!r}"):
            self._connection.execute(f"CREATE TABLE {name} AS {statement.sql}".encode())
            self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _words(self, doing: str) -> Iterator[None]:
        """The driver's errors as ours."""
        try:
            yield
        except self._psycopg.OperationalError as error:
            raise EngineAway(
                f"PostgreSQL does not answer ({doing}): {error}", hint="ask again when it is back"
            ) from error
        except self._psycopg.Error as error:
            raise EngineRefused(f"PostgreSQL refused ({doing}): {error}", hint="try it with psql") from error


def _type(kind: Any) -> str:
    return next((name for fits, name in _TYPES if fits(kind)), "text")


def _schema(described: Any) -> Any:
    return pa.schema([pa.field(one.name, _ARROW.get(one.type_code, pa.string())) for one in described])


def _batch(rows: list[tuple[Any, ...]], schema: Any) -> pa.RecordBatch:
    columns = [
        pa.array([_cell(value, field.type) for value in column], field.type)
        for column, field in zip(zip(*rows, strict=True), schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cell(value: Any, kind: Any) -> Any:
    if value is None or not (pa.types.is_string(kind) or pa.types.is_floating(kind)):
        return value
    return float(value) if pa.types.is_floating(kind) else str(value)
