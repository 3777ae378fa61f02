"""From the model's inputs to what an ONNX graph takes: one tensor a column, nulls in the graph's own way.

A null number is NaN, a null text the empty string, a boolean 0 or 1. Numbers that may be null are floats,
the others int64. The graph itself declares which width its floats have, and it is fed by what it declares.
The native model is compared on the very same conventions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.errors import BadInput
from noria.features.model import InputColumn

Array = np.ndarray[Any, Any]
_KINDS: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(string)": object,
}


_LEAST, _MOST = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Slot:
    """One input of a graph: the column it takes, the tensor's own name, its NumPy type and its null."""

    column: str
    tensor: str
    kind: Any
    null: Any

    def cell(self, value: Any) -> Array:
        """One value as a (1, 1) tensor."""
        return np.array([[self.null if value is None else value]], dtype=self.kind)

    def whole(self, values: pa.ChunkedArray | pa.Array | Sequence[Any]) -> Array:
        """A column of n values as an (n, 1) tensor."""
        if isinstance(values, pa.ChunkedArray | pa.Array):
            return self._of_arrow(values)
        return self.cells(values)

    def cells(self, values: Sequence[Any]) -> Array:
        """The same of Python's values alone."""
        filled = [self.null if value is None else value for value in values]
        return np.array(filled, dtype=self.kind).reshape(-1, 1)

    def _of_arrow(self, values: pa.ChunkedArray | pa.Array) -> Array:
        if self.kind is not object:
            wide = pc.cast(values, pa.float64() if self.kind is not np.int64 else pa.int64())
            return np.asarray(self._without_nulls(wide).to_numpy(zero_copy_only=False), self.kind).reshape(-1, 1)
        texts: Array = self._without_nulls(values).to_numpy(zero_copy_only=False)
        return texts.astype(object).reshape(-1, 1)

    def _without_nulls(self, values: Any) -> Any:
        if not values.null_count:
            return values
        if self.null is None:
            raise BadInput(f"{self.column} may not be null, and {values.null_count} of {len(values)} values are")
        return pc.fill_null(values, self.null)


@dataclass(frozen=True)
class Matrix:
    """All columns as one tensor, for graphs that take one; `whole_numbers` are those that must not be null."""

    columns: tuple[str, ...]
    whole_numbers: tuple[str, ...]
    kind: Any
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, columns: Sequence[InputColumn], declared: str) -> Matrix:
        """The matrix of these columns; `declared` is the type that the graph gives it."""
        kind = _KINDS[declared]
        names = tuple(column.name for column in columns)
        strict = tuple(column.name for column in columns if not takes_float(column))
        numbers, whole = (kind, np.nan), (np.int64, None)
        slots = tuple(Slot(name, name, *(whole if name in strict else numbers)) for name in names)
        return cls(names, strict, kind, slots)

    def row(self, row: Mapping[str, Any]) -> Array:
        """One row as a (1, columns) tensor; a null is NaN.

        Raises TypeError for a null that may not be one, OverflowError for a whole number beyond 64 bits.
        """
        return self.rows((row,))

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Several as an (n, columns) tensor. Raises as `row` does."""
        for name in self.whole_numbers:
            for row in rows:
                value = row[name]
                if value is None:
                    raise TypeError(f"{name} may not be null")
                if isinstance(value, int) and not _LEAST <= value <= _MOST:
                    raise OverflowError(f"{name} does not fit into 64 bits")
        columns = self.columns
        return np.array([[row[name] for name in columns] for row in rows], dtype=self.kind)

    def whole(self, values: pa.Table | Mapping[str, Sequence[Any]]) -> Array:
        """Many rows as an (n, columns) tensor."""
        return np.hstack([one.whole(values[one.column]).astype(self.kind, copy=False) for one in self.slots])


def takes_float(column: InputColumn) -> bool:
    """Whether a column's tensor is one of floats: NaN must stand for its nulls."""
    return column.dtype == "float" or (column.dtype in ("int", "bool") and column.nullable)


def slot(column: InputColumn, tensor: str, declared: str) -> Slot:
    """How `column` is fed to the graph's input `tensor` of the type that the graph declares."""
    if declared not in _KINDS:
        raise BadInput(f"the graph wants {declared} for {column.name}", hint="package the model again")
    kind = _KINDS[declared]
    null = "" if kind is object else None if kind is np.int64 else np.nan
    return Slot(column.name, tensor, kind, null)


def tensors(slots: Sequence[Slot], values: pa.Table | Mapping[str, Sequence[Any]]) -> dict[str, Array]:
    """Many rows as (n, 1) tensors by input name."""
    return {one.tensor: one.whole(values[one.column]) for one in slots}
