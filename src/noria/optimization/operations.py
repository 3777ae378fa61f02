"""What can be done with a trained model: package it, with the proof that the package answers like the model."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from noria.core.digest import canonical, digest
from noria.features.model import InputSet, input_columns
from noria.optimization import native
from noria.optimization.convert import NotConvertible, to_onnx
from noria.optimization.model import Equality, Format, Package
from noria.optimization.session import GOLDEN, Session
from noria.workspace.workspace import Workspace

_TOLERANCE = 1e-5
_GOLDEN_ROWS = 64
_PACKAGE = TypeAdapter(Package)


def package(
    ws: Workspace,
    *,
    model: Any,
    inputs: InputSet,
    label: str,
    task: Literal["classification", "regression"],
    table: pa.Table,
    prediction: np.ndarray[Any, Any],
) -> Package:
    """Turn a fitted model into one ONNX graph and compare it with the model on every row of `table`.

    `prediction` are the native answers to `table`'s rows. A model that has no ONNX form, or whose graph
    answers otherwise on any row, stays native, and the package says why.
    """
    columns = input_columns(inputs)
    try:
        graph = to_onnx(model, columns)
        blob = ws.blobs.put(graph)
        equality = compare(Session(ws.blobs.path(blob), columns).predict(table), prediction)
        why = "" if equality.equal else _said(equality)
    except NotConvertible as error:
        graph, blob, equality, why = b"", "", None, error.message
    kind: Format = "native" if why else "onnx"
    if why:
        blob = native.save(ws, model)
    golden = ws.blobs.put(_golden(table, [column.name for column in columns], prediction))
    size = ws.blobs.path(blob).stat().st_size
    named = digest([kind, blob, golden, inputs, label, task])
    return Package(named, kind, blob, golden, inputs, columns, label, task, size, equality, why)


def compare(packaged: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> Equality:
    """Answers of the package beside those of the model: relative to the answer's size where it exceeds one."""
    difference = np.abs(packaged - expected) / np.maximum(1.0, np.abs(expected))
    beyond = int(np.sum(~(difference <= _TOLERANCE)))
    largest = float(np.max(difference)) if len(difference) else 0.0
    return Equality(len(expected), largest, _TOLERANCE, beyond)


def save_package(ws: Workspace, package: Package) -> str:
    """Keep a package's description; gives its blob's digest."""
    return ws.blobs.put(canonical(package).encode())


def load_package(ws: Workspace, digest_text: str) -> Package:
    """The package that `save_package` kept. Raises NotFound, Corrupt."""
    return _PACKAGE.validate_json(ws.blobs.get(digest_text))


def _golden(table: pa.Table, names: list[str], prediction: np.ndarray[Any, Any]) -> bytes:
    step = max(1, table.num_rows // _GOLDEN_ROWS)
    rows = pa.array(np.arange(0, table.num_rows, step)[:_GOLDEN_ROWS])
    golden = table.select(names).append_column(GOLDEN, pa.array(prediction)).take(rows)
    sink = pa.BufferOutputStream()
    pq.write_table(golden.replace_schema_metadata(None), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue())


def _said(equality: Equality) -> str:
    return (
        f"its ONNX graph answers otherwise on {equality.beyond:,} of {equality.rows:,} test rows "
        f"(by up to {equality.largest:.2g})"
    )
