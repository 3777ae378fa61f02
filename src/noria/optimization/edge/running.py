"""A graph of a bundle, asked with ONNX Runtime: many rows in, one answer a row out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.compute as pc

from noria.features.model import InputColumn
from noria.optimization.feed import slot, tensors

Array = np.ndarray[Any, Any]


def opened(content: bytes) -> ort.InferenceSession:
    """A session on a graph's bytes, .onnx or .ort; it knows no place, so it opens no other file."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def answers(
    content: bytes, columns: Sequence[InputColumn], table: pa.Table, vocabulary: Sequence[str] | None = None
) -> Array:
    """The answers to the rows of `table`, float64 (rows,). With a vocabulary texts go in as their places in it."""
    session = opened(content)
    if vocabulary is not None:
        table = coded(table, columns, vocabulary)
    slots = [slot(column, one.name, one.type) for column, one in zip(columns, session.get_inputs(), strict=True)]
    (found,) = session.run([session.get_outputs()[-1].name], tensors(slots, table))
    values = np.asarray(found, dtype=np.float64)
    return values[:, -1] if values.ndim == 2 else values


def coded(table: pa.Table, columns: Sequence[InputColumn], vocabulary: Sequence[str]) -> pa.Table:
    """The table with each text as its place in the vocabulary, null as the empty text; others have the place after."""
    known = pa.array(vocabulary, pa.string())
    for column in columns:
        if column.dtype == "string":
            texts = pc.fill_null(pc.cast(table[column.name], pa.string()), "")
            codes = pc.fill_null(pc.index_in(texts, known), len(vocabulary)).cast(pa.int64())
            table = table.set_column(table.column_names.index(column.name), column.name, codes)
    return table


def off_by(found: Array, expected: Array) -> float:
    """The largest difference: absolute up to one, relative to what was expected beyond; NaN counts as infinite."""
    if not len(expected):
        return 0.0
    worst = np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected)))
    return float(worst) if np.isfinite(worst) else float("inf")
