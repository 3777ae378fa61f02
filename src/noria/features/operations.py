"""What can be done with features offline: compute those of a part of requests, and read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noria.core.clock import Micros
from noria.core.errors import NotFound
from noria.core.schema import Column, DType
from noria.data.model import INGESTED_AT, Part
from noria.features.functions import caller
from noria.features.model import FunctionInput, InputSet, ViewInput, ViewSpec, input_columns
from noria.features.offline.join import Join
from noria.features.offline.made import Made
from noria.features.sql import quoted, rows_of
from noria.features.windows import reach
from noria.workspace.workspace import Workspace

_FORM = 3
"""Raised whenever the computation changes, so that results of an older release are not reused."""
ARROW_TYPES: dict[DType, pa.DataType] = {
    "string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "time": pa.int64()
}  # fmt: skip
_SQL: dict[DType, str] = {
    "string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "time": "BIGINT"
}  # fmt: skip

Functions = Mapping[str, Callable[..., Any]]


def part_inputs(inputs: InputSet, spine: Part, sources: Mapping[str, Sequence[Part]]) -> dict[str, Any]:
    """The JSON that determines the features of one part of requests: definitions, requests, and the rows in reach.

    Parts of a source that end before its longest window begins, or begin after the last request, are left out;
    of a part that was cut later than the last request, the cut does not matter.
    """
    reached = {
        source: {part.name: [part.digest, _cut(part, spine)] for part in parts}
        for source, parts in _reached(inputs, spine, sources).items()
    }
    return {"form": _FORM, "inputs": inputs, "requests": [spine.digest, spine.as_of], "sources": reached}


def build_part(
    ws: Workspace, inputs: InputSet, spine: Part, sources: Mapping[str, Sequence[Part]], functions: Functions
) -> str:
    """Features of every request of one part, as they were known when it was asked; gives a Parquet blob.

    Columns: the request's key and moment, then every input of the model (`input_columns`), sorted by moment
    and key. The same inputs give the same bytes. Raises NotFound for a part or source that is not there,
    FunctionFailed when a feature function raises or returns another type than it declares.
    """
    rows = rows_of([spine], {spine.digest: ws.blobs.path(spine.digest)}, [column.name for column in inputs.request])
    connection = _engine()
    try:
        return ws.blobs.put(_parquet(_computed(ws, connection, inputs, _Asked(rows, spine), sources, functions)))
    finally:
        connection.close()


def features_of(
    ws: Workspace, inputs: InputSet, requests: pa.Table, sources: Mapping[str, Sequence[Part]], functions: Functions
) -> pa.Table:
    """The same columns for requests that are given as a table, without keeping them.

    `requests` has the request's columns, moments in int64 microseconds; one row at least. Raises as `build_part`.
    """
    bounds = pc.min_max(requests[inputs.asked_at])
    span = _Span(bounds["min"].as_py(), bounds["max"].as_py())
    connection = _engine()
    try:
        connection.register("noria_requests", requests)
        asked = _Asked("SELECT * FROM noria_requests", span)
        return _computed(ws, connection, inputs, asked, sources, functions)
    finally:
        connection.close()


def load_features(ws: Workspace, digests: Sequence[str]) -> pa.Table:
    """The feature tables of several parts as one."""
    return pa.concat_tables(pq.read_table(ws.blobs.path(digest)) for digest in digests)


@dataclass(frozen=True)
class _Span:
    """From the first request to the last one."""

    first_event: Micros
    last_event: Micros


@dataclass(frozen=True)
class _Asked:
    """Requests as a SELECT, and when they were."""

    sql: str
    span: _Span | Part


def _engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})  # one thread: sums of doubles come out the same each time


def _computed(
    ws: Workspace,
    connection: duckdb.DuckDBPyConnection,
    inputs: InputSet,
    asked: _Asked,
    sources: Mapping[str, Sequence[Part]],
    functions: Functions,
) -> pa.Table:
    table = _joined(ws, connection, inputs, asked, _reached(inputs, asked.span, sources))
    for one in inputs.inputs:
        if isinstance(one, FunctionInput):
            table = _with_function(table, one, inputs, functions)
    kept = dict.fromkeys([inputs.key, inputs.asked_at, *(column.name for column in input_columns(inputs))])
    return table.select(list(kept))


def _joined(
    ws: Workspace,
    connection: duckdb.DuckDBPyConnection,
    inputs: InputSet,
    spine: _Asked,
    reached: Mapping[str, Sequence[Part]],
) -> pa.Table:
    paths = {part.digest: ws.blobs.path(part.digest) for parts in reached.values() for part in parts}
    names = [column.name for column in inputs.request]
    asked, key = quoted(inputs.asked_at), quoted(inputs.key)
    connection.execute(
        f"CREATE TEMP TABLE spine AS SELECT row_number() OVER (ORDER BY {asked}, {key}) AS noria_row, "
        f"{asked} AS noria_t, {', '.join(map(quoted, names))} FROM ({spine.sql})"
    )
    join = Join(connection, spine.span.first_event, spine.span.last_event, knowledge=inputs.knowledge)
    views = {view.name: view for view in inputs.views}
    made: list[Made] = []
    for one in inputs.inputs:
        if isinstance(one, ViewInput) and reached[views[one.view].source]:
            view = views[one.view]
            rows = {name: _rows(columns, reached[name], paths) for name, columns in _shapes(view).items()}
            made += join.view(view, one.keys, rows)
    return connection.sql(_assembled(inputs, made)).to_arrow_table()


def _shapes(view: ViewSpec) -> dict[str, tuple[Column, ...]]:
    """The columns of every source that a view needs."""
    return {view.source: view.columns, **{join.source: join.columns for join in view.joins}}


def _rows(columns: Sequence[Column], parts: Sequence[Part], paths: Mapping[str, Path]) -> str:
    if parts:
        return rows_of(parts, paths, [column.name for column in columns])
    empty = ", ".join(f"NULL::{_SQL[column.dtype]} AS {quoted(column.name)}" for column in columns)
    return f"SELECT {empty}, NULL::BIGINT AS {INGESTED_AT} WHERE FALSE"


def _reached(inputs: InputSet, spine: _Span | Part, sources: Mapping[str, Sequence[Part]]) -> dict[str, list[Part]]:
    """Of each source the parts that some request of `spine` may depend on."""
    reached = {}
    for source in sorted({source for view in inputs.views for source in view.sources}):
        if source not in sources:
            raise NotFound("source", source, sources, hint="give the parts of every source that a view is of")
        earliest = spine.first_event - max(reach(view, source) for view in inputs.views)
        overlapping = (part.last_event >= earliest and part.first_event <= spine.last_event for part in sources[source])
        reached[source] = list(compress(sources[source], overlapping))
    return reached


def _cut(part: Part, spine: Part) -> Micros | None:
    return part.as_of if part.as_of is not None and part.as_of < spine.last_event else None


def _assembled(inputs: InputSet, made: Sequence[Made]) -> str:
    found = {feature for one in made for feature in one.features}
    values = [f"spine.{quoted(column.name)}" for column in inputs.request]
    for column in input_columns(inputs):
        if column.view:
            default = "NULL" if column.nullable else "[]" if column.many else "0"
            value = f"coalesce({quoted(column.name)}, {default})" if column.name in found else default
            many = "[]" if column.many else ""
            values.append(f"{value}::{_SQL[column.dtype]}{many} AS {quoted(column.name)}")
    joins = " ".join(f"LEFT JOIN {one.table} USING (noria_row)" for one in made)
    return f"SELECT {', '.join(values)} FROM spine {joins} ORDER BY noria_row"


def _with_function(table: pa.Table, spec: FunctionInput, inputs: InputSet, functions: Functions) -> pa.Table:
    call = caller(spec, inputs, functions)
    arguments = [table[name].to_pylist() for name in spec.arguments]
    values = [call(dict(zip(spec.arguments, row, strict=True))) for row in zip(*arguments, strict=True)]
    return table.append_column(spec.name, pa.array(values, ARROW_TYPES[spec.dtype]))


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue())
