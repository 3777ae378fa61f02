"""The frame a training function asked for: pandas, Polars, Arrow or NumPy, with the same columns and order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.errors import BadInput
from noria.features.model import InputColumn
from noria.training.model import Frame


def to_frame(table: pa.Table, columns: Sequence[InputColumn], frame: Frame) -> Any:
    """The inputs of a model as `frame`.

    Texts stay texts, integers are int64 unless one is null (then float64 with NaN), floats are float64 with
    NaN for null, times are UTC timestamps. NumPy is one float64 matrix (rows, columns), times in microseconds;
    Arrow and Polars keep nulls as nulls. Raises BadInput for a text column where NumPy is asked for.
    """
    if frame == "numpy":
        return _matrix(table, columns)
    chosen = pa.table({column.name: _column(table[column.name], column) for column in columns})
    if frame == "arrow":
        return chosen
    if frame == "polars":
        import polars

        return polars.from_arrow(chosen)
    import pandas as pd

    return pd.DataFrame({column.name: _series(chosen[column.name], column) for column in columns})


def label_series(table: pa.Table, frame: Frame) -> Any:
    """The label column as the frame's own series."""
    label = table["label"].combine_chunks()
    if frame == "arrow":
        return label
    if frame == "polars":
        import polars

        return polars.from_arrow(label).alias("label")  # type: ignore[union-attr]
    if frame == "numpy":
        return label.to_numpy(zero_copy_only=False)
    import pandas as pd

    return pd.Series(label.to_numpy(zero_copy_only=False), name="label")


def _matrix(table: pa.Table, columns: Sequence[InputColumn]) -> np.ndarray[Any, Any]:
    if texts := [column.name for column in columns if column.dtype == "string"]:
        raise BadInput(
            f"a NumPy matrix holds numbers only, and {', '.join(texts)} {'is' if len(texts) == 1 else 'are'} text",
            hint="annotate X as pandas.DataFrame, polars.DataFrame or pyarrow.Table, or leave the texts out",
        )
    matrix = np.empty((table.num_rows, len(columns)), dtype=np.float64)
    for number, column in enumerate(columns):
        whole = column.dtype == "time"
        matrix[:, number] = _numbers(pc.cast(table[column.name], pa.int64()) if whole else table[column.name])
    return matrix


def _column(values: pa.ChunkedArray, column: InputColumn) -> pa.ChunkedArray:
    if column.dtype == "time":
        return pc.cast(pc.cast(values, pa.int64()), pa.timestamp("us", tz="UTC"))
    return values


def _series(values: pa.ChunkedArray, column: InputColumn) -> Any:
    if column.dtype == "string":
        return values.to_numpy(zero_copy_only=False)
    if column.dtype == "time":
        return values.to_pandas()
    if column.dtype == "bool" and values.null_count == 0:
        return values.to_numpy()
    if column.dtype == "int" and values.null_count == 0:
        return values.to_numpy()
    return _numbers(values)


def _numbers(values: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    numbers: np.ndarray[Any, Any] = pc.fill_null(pc.cast(values, pa.float64()), float("nan")).to_numpy()
    return numbers
