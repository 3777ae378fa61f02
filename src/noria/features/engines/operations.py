"""What can be done with views on an engine: open one, join requests with views, see the statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from noria.core.errors import NotFound
from noria.core.schema import Column, DType
from noria.data.model import INGESTED_AT
from noria.features.dialects import dialect_of
from noria.features.dialects.base import Dialect
from noria.features.engines.model import BadLookup, Engine, Lookup, Rows, Statement
from noria.features.engines.statement import statement
from noria.features.model import FeatureSpec, Knowledge

ENGINES = ("duckdb", "postgresql", "spark")
_ARROW: dict[DType, pa.DataType] = {
    "string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "time": pa.int64()
}  # fmt: skip


def open_engine(name: str, *, url: str | None = None, session: Any = None) -> Engine:
    """An engine: `duckdb` in this process, `postgresql` at `url`, `spark` in your `session` or one started here.

    Raises NotFound for another name, EngineMissing when its driver (or Spark's Java) is not installed,
    EngineAway when it does not answer.
    """
    if name == "duckdb":
        from noria.features.engines.duckdb import DuckDbEngine

        return DuckDbEngine(session)
    if name == "postgresql":
        from noria.features.engines.postgres import PostgresEngine

        if url is None:
            raise BadLookup("PostgreSQL has no address", hint="give url='postgresql://user@host/name'")
        return PostgresEngine(url)
    if name == "spark":
        from noria.features.engines.spark import SparkEngine

        return SparkEngine(session)
    raise NotFound("engine", name, ENGINES)


def join_features(
    engine: Engine,
    spine: pa.Table | str,
    lookups: Sequence[Lookup],
    sources: Mapping[str, pa.Table | str],
    *,
    asked_at: str,
    knowledge: Knowledge = "as_known",
) -> pa.Table:
    """The requests with what each view knew of them when they were asked, one row a request, in no order.

    `spine` and each source are a table here, which is put on the engine, or a table's name or a query there.
    `asked_at` is the column of the spine with the moment. `as_known` counts the rows known at each moment, and
    `as_of_event`, with hindsight, every row. Columns: the spine's, then `View.feature`.
    Raises BadLookup, NotFound for a source that is not given, EngineRefused, EngineAway.
    """
    made, batches = read_features(engine, spine, lookups, sources, asked_at=asked_at, knowledge=knowledge)
    table = pa.Table.from_batches(list(batches))
    return table.rename_columns(list(made.columns)) if table.column_names != list(made.columns) else table


def read_features(
    engine: Engine,
    spine: pa.Table | str,
    lookups: Sequence[Lookup],
    sources: Mapping[str, pa.Table | str],
    *,
    asked_at: str,
    knowledge: Knowledge = "as_known",
) -> tuple[Statement, Iterator[pa.RecordBatch]]:
    """As `join_features`, batch after batch, for results larger than memory."""
    made = prepare(engine, spine, lookups, sources, asked_at=asked_at, knowledge=knowledge)
    return made, (_typed(batch, made) for batch in engine.read(made))


def save_features(
    engine: Engine,
    table: str,
    spine: pa.Table | str,
    lookups: Sequence[Lookup],
    sources: Mapping[str, pa.Table | str],
    *,
    asked_at: str,
    knowledge: Knowledge = "as_known",
) -> None:
    """As `join_features`, but the result becomes a new table on the engine, and no row comes here."""
    engine.save(prepare(engine, spine, lookups, sources, asked_at=asked_at, knowledge=knowledge), table)


def prepare(
    engine: Engine,
    spine: pa.Table | str,
    lookups: Sequence[Lookup],
    sources: Mapping[str, pa.Table | str],
    *,
    asked_at: str,
    knowledge: Knowledge = "as_known",
) -> Statement:
    """Put what is here on the engine, and compose the statement."""
    for source in (source for lookup in lookups for source in lookup.view.sources):
        if source not in sources:
            raise NotFound("source", source, sources, hint="give the rows of every source that a view reads")
    there = {name: _there(engine, rows) for name, rows in sources.items()}
    return statement(engine.dialect, _there(engine, spine), asked_at, lookups, there, knowledge)


def features_sql(lookup: Lookup, dialect: str, *, spine: str = "requests", asked_at: str = "asked_at") -> str:
    """The statement for a view, to be read or run elsewhere: from the table `spine` with the keys and `asked_at`.

    Each source's table has the source's name; moments are columns with a time zone. Raises NotFound for an
    unknown dialect.
    """
    speaks, view = dialect_of(dialect), lookup.view
    sources = {view.source: _rows(speaks, view.source, view.columns)}
    sources |= {join.source: _rows(speaks, join.source, join.columns) for join in view.joins}
    asked = Rows(speaks.quoted(spine), (*lookup.keys, asked_at), {asked_at: "instant"})
    return statement(speaks, asked, asked_at, [lookup], sources).sql + "\n"


def _rows(dialect: Dialect, source: str, columns: Sequence[Column]) -> Rows:
    times = [*(column.name for column in columns if column.dtype == "time"), INGESTED_AT]
    names = dict.fromkeys([*(column.name for column in columns), INGESTED_AT])
    return Rows(dialect.quoted(source), tuple(names), dict.fromkeys(times, "instant"))


def _there(engine: Engine, rows: pa.Table | str) -> Rows:
    return engine.look(rows) if isinstance(rows, str) else engine.put(rows)


def _typed(batch: pa.RecordBatch, made: Statement) -> pa.RecordBatch:
    arrays = [
        column.cast(_type(made.features[name])) if name in made.features else column
        for name, column in zip(made.columns, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(made.columns))


def _type(feature: FeatureSpec) -> pa.DataType:
    one = _ARROW[feature.dtype]
    return pa.list_(one) if feature.kind == "last_n" else one
