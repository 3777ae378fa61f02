"""From the model's inputs to what an ONNX graph takes: one tensor a column, nulls in the graph's own way.

Numbers are float32, so a null number is NaN; integers and booleans (0 and 1) that are never null are int64;
texts are strings, a null text is the empty string. The native model is compared on the very same conventions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from noria.features.model import InputColumn

Array = np.ndarray[Any, Any]


def tensors(columns: Sequence[InputColumn], values: pa.Table | Mapping[str, Sequence[Any]]) -> dict[str, Array]:
    """Many rows as (n, 1) tensors by input name."""
    found = {}
    for column in columns:
        raw = values[column.name]
        given = raw.to_pylist() if isinstance(raw, pa.ChunkedArray | pa.Array) else list(raw)
        found[tensor_name(column)] = np.array([plain(column, value) for value in given], dtype=dtype(column)).reshape(
            -1, 1
        )
    return found


def tensor_name(column: InputColumn) -> str:
    """A column's name in the graph: the converter writes an underscore for whatever is no letter or digit."""
    return re.sub(r"[^0-9A-Za-z_]", "_", column.name)


def dtype(column: InputColumn) -> Any:
    """The NumPy type of a column's tensor."""
    if column.dtype == "string":
        return object
    if column.dtype == "float" or column.nullable:
        return np.float32
    return np.int64


def plain(column: InputColumn, value: Any) -> Any:
    """One value as the tensor holds it."""
    if value is not None:
        return value
    return "" if column.dtype == "string" else np.nan
