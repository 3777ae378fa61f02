"""What can be done with features offline: compute those of a part of requests, and read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.schema import DType
from noria.data.model import Part
from noria.features.functions import caller
from noria.features.model import FunctionInput, InputSet, ViewInput, input_columns
from noria.features.offline import Join, quoted, read
from noria.features.windows import lookback
from noria.workspace.workspace import Workspace

_FORM = 1
"""Raised whenever the computation changes, so that results of an older release are not reused."""
_ARROW: dict[DType, pa.DataType] = {
    "string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "time": pa.int64()
}  # fmt: skip
_SQL: dict[DType, str] = {
    "string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "time": "BIGINT"
}  # fmt: skip

Functions = Mapping[str, Callable[..., Any]]


def part_inputs(inputs: InputSet, spine: Part, sources: Mapping[str, Sequence[Part]]) -> dict[str, Any]:
    """The JSON that determines the features of one part of requests: definitions, requests, and the rows in reach.

    Source parts that end before the longest window begins, or begin after the last request, are left out; of a
    part that was cut later than the last request, the cut does not matter.
    """
    views = inputs.views
    earliest = spine.first_event - lookback(views)
    reached = {
        source: [
            [part.digest, part.as_of if part.as_of is not None and part.as_of < spine.last_event else None]
            for part in sources[source]
            if part.last_event >= earliest and part.first_event <= spine.last_event
        ]
        for source in sorted({view.source for view in views})
    }
    return {"form": _FORM, "inputs": inputs, "requests": [spine.digest, spine.as_of], "sources": reached}


def build_part(
    ws: Workspace, inputs: InputSet, spine: Part, sources: Mapping[str, Sequence[Part]], functions: Functions
) -> str:
    """Features of every request of one part, as they were known when it was asked; gives a Parquet blob.

    Columns: the request's key and moment, then every input of the model (`input_columns`), sorted by moment
    and key. The same inputs give the same bytes.
    """
    connection = duckdb.connect(config={"threads": 1})  # one thread: sums of doubles come out the same each time
    try:
        table = _joined(ws, connection, inputs, spine, sources)
    finally:
        connection.close()
    for one in inputs.inputs:
        if isinstance(one, FunctionInput):
            table = _with_function(table, one, inputs, functions)
    columns = input_columns(inputs)
    kept = dict.fromkeys([inputs.key, inputs.asked_at, *(column.name for column in columns)])
    return ws.blobs.put(_parquet(table.select(list(kept))))


def load_features(ws: Workspace, digests: Sequence[str]) -> pa.Table:
    """The feature tables of several parts as one."""
    return pa.concat_tables(pq.read_table(ws.blobs.path(digest)) for digest in digests)


def _joined(
    ws: Workspace,
    connection: duckdb.DuckDBPyConnection,
    inputs: InputSet,
    spine: Part,
    sources: Mapping[str, Sequence[Part]],
) -> pa.Table:
    parts = [spine, *(part for chosen in sources.values() for part in chosen)]
    locate = {part.digest: ws.blobs.path(part.digest).as_posix() for part in parts}
    names = [column.name for column in inputs.request]
    rows = read({"spine": [spine]}, "spine", locate, names)
    asked, key = quoted(inputs.asked_at), quoted(inputs.key)
    connection.execute(
        f"CREATE TEMP TABLE spine AS SELECT row_number() OVER (ORDER BY {asked}, {key}) AS noria_row, "
        f"{asked} AS noria_t, {', '.join(map(quoted, names))} FROM ({rows})"
    )
    join = Join(connection, spine.first_event, spine.last_event)
    views = {view.name: view for view in inputs.views}
    made: dict[str, str] = {}
    for one in inputs.inputs:
        if isinstance(one, ViewInput):
            view = views[one.view]
            reach = {**sources, view.source: _reached(inputs, spine, sources[view.source])}
            if reach[view.source]:
                columns = [column.name for column in view.columns]
                made.update(join.view(view, one.key, read(reach, view.source, locate, columns)))
    return connection.sql(_assembled(inputs, made)).to_arrow_table()


def _reached(inputs: InputSet, spine: Part, parts: Sequence[Part]) -> list[Part]:
    earliest = spine.first_event - lookback(inputs.views)
    return [part for part in parts if part.last_event >= earliest and part.first_event <= spine.last_event]


def _assembled(inputs: InputSet, made: Mapping[str, str]) -> str:
    values, joins = [], []
    for number, column in enumerate(column for column in input_columns(inputs) if column.view):
        sql, alias = _SQL[column.dtype], f"j{number}"
        default = "0" if not column.nullable else "NULL"
        if column.name in made:
            joins.append(f"LEFT JOIN {made[column.name]} {alias} USING (noria_row)")
            values.append(f"coalesce({alias}.v, {default})::{sql} AS {quoted(column.name)}")
        else:
            values.append(f"{default}::{sql} AS {quoted(column.name)}")
    request = ", ".join(f"spine.{quoted(column.name)}" for column in inputs.request)
    return f"SELECT {', '.join([request, *values])} FROM spine {' '.join(joins)} ORDER BY noria_row"


def _with_function(table: pa.Table, spec: FunctionInput, inputs: InputSet, functions: Functions) -> pa.Table:
    call = caller(spec, inputs, functions)
    arguments = [table[name].to_pylist() for name in spec.arguments]
    values = [call(dict(zip(spec.arguments, row, strict=True))) for row in zip(*arguments, strict=True)]
    return table.append_column(spec.name, pa.array(values, _ARROW[spec.dtype]))


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue())
