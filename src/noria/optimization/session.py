"""A packaged model, opened: rows in, answers out. Safe to use from several threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa

from noria.features.model import InputColumn
from noria.optimization.feed import dtype, plain, tensor_name, tensors
from noria.optimization.model import GoldenMismatch

GOLDEN = "prediction"
_TOLERANCE = 1e-4
"""How far golden rows may be off on another machine: single precision with other instructions."""


class Session:
    """The graph in file `model`, taking `columns`."""

    def __init__(self, model: Path, columns: Sequence[InputColumn]) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # small models lose more by sharing a row than they gain
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.columns = tuple(columns)
        self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._output = self._session.get_outputs()[-1].name
        self._cells = [_cell(column) for column in self.columns]

    def predict(self, values: pa.Table | Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        """The answers to many rows, float64: the chance of the positive class, or the value."""
        return self._run(tensors(self.columns, values))

    def predict_row(self, row: Mapping[str, Any]) -> float:
        """The answer to one row."""
        return float(self._run({tensor: make(row[name]) for name, tensor, make in self._cells})[0])

    def check_golden(self, golden: pa.Table) -> None:
        """Raise GoldenMismatch when the package's own golden rows do not come out as recorded."""
        difference = np.abs(self.predict(golden) - golden[GOLDEN].to_numpy())
        if len(difference) and not float(np.max(difference)) <= _TOLERANCE:
            raise GoldenMismatch(
                f"the package is off by {np.max(difference):.2g} on its own golden rows",
                hint="the graph or the runtime is not the one that was tested; package the model again",
            )

    def _run(self, feed: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        (answer,) = self._session.run([self._output], feed)
        values = np.asarray(answer, dtype=np.float64)
        return values[:, -1] if values.ndim == 2 else values


def _cell(column: InputColumn) -> tuple[str, str, Callable[[Any], np.ndarray[Any, Any]]]:
    kind = dtype(column)
    return column.name, tensor_name(column), lambda value: np.array([[plain(column, value)]], dtype=kind)
