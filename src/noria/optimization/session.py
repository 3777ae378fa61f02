"""A packaged model, opened: rows in, answers out. Safe to use from several threads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, Corrupt
from noria.features.model import InputColumn
from noria.optimization.feed import Matrix, slot, tensors
from noria.optimization.fusing import MATRIX
from noria.optimization.model import GoldenMismatch

_TOLERANCE = 1e-4
"""How far golden rows may be off on another machine: single precision with other instructions."""
_DIGEST = re.compile("[0-9a-f]{64}")


class Session:
    """The graph in the blob's file `model`, taking `columns` in the order in which the graph has its inputs.

    A blob's file is named by the digest of its bytes, and they are checked before anything is parsed: Corrupt.
    The bytes are handed over without a place, so that a graph cannot point at other files.
    """

    def __init__(self, model: Path, columns: Sequence[InputColumn]) -> None:
        content = model.read_bytes()
        if _DIGEST.fullmatch(model.name) and digest_bytes(content) != model.name:
            raise Corrupt(f"the graph {model.name[:12]} is damaged", hint="run again to rebuild it")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # small models lose more by sharing a row than they gain
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.columns = tuple(columns)
        self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        wanted = self._session.get_inputs()
        self._matrix = Matrix.of(columns, wanted[0].type) if wanted and wanted[0].name == MATRIX else None
        if self._matrix is not None:
            wanted = wanted * len(self.columns)  # every column is of the matrix's type
        if len(wanted) != len(self.columns):
            raise Corrupt(f"the graph takes {len(wanted)} inputs, and the package names {len(self.columns)}")
        self._slots = [slot(column, one.name, one.type) for column, one in zip(self.columns, wanted, strict=True)]
        self._output = self._session.get_outputs()[-1].name

    def predict(self, values: pa.Table | Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        """The answers to many rows, float64 (rows,): the chance of the positive class, or the value.

        Raises BadInput when a column is not there or does not hold what the graph takes.
        """
        return self._run(self.feed(values))

    def feed(self, values: pa.Table | Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray[Any, Any]]:
        """Many rows as the graph's tensors by name. Raises BadInput."""
        try:
            return tensors(self._slots, values) if self._matrix is None else {MATRIX: self._matrix.whole(values)}
        except (KeyError, TypeError, ValueError, OverflowError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BadInput(f"these rows do not fit the model: {error}", hint=self._hint()) from error

    def predict_row(self, row: Mapping[str, Any]) -> float:
        """The answer to one row. Raises BadInput when it does not fit."""
        try:
            if self._matrix is None:
                feed = {one.tensor: one.cell(row[one.column]) for one in self._slots}
            else:
                feed = {MATRIX: self._matrix.row(row)}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadInput(f"this row does not fit the model: {error}", hint=self._hint()) from error
        return float(self._run(feed)[0])

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[float]:
        """The answers to several rows in one run. Raises BadInput when one of them does not fit."""
        try:
            if self._matrix is None:
                feed = {one.tensor: one.cells([row[one.column] for row in rows]) for one in self._slots}
            else:
                feed = {MATRIX: self._matrix.rows(rows)}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadInput(f"these rows do not fit the model: {error}", hint=self._hint()) from error
        found: list[float] = self._run(feed).tolist()
        return found

    def check_golden(self, golden: pa.Table) -> None:
        """Raise GoldenMismatch when the package's own golden rows do not come out as recorded."""
        check_golden(self.predict, golden)

    def _run(self, feed: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        try:
            (answer,) = self._session.run([self._output], feed)
        except UnicodeEncodeError as error:
            raise BadInput(f"a text is no Unicode: {error.reason}", hint=self._hint()) from error
        values = np.asarray(answer, dtype=np.float64)
        return values[:, -1] if values.ndim == 2 else values

    def _hint(self) -> str:
        return "it takes " + ", ".join(f"{column.name} ({column.dtype})" for column in self.columns)


def check_golden(predict: Callable[[Mapping[str, Sequence[Any]]], np.ndarray[Any, Any]], golden: pa.Table) -> None:
    """Raise GoldenMismatch when a package's own golden rows do not come out as recorded.

    The last column of `golden` has the answers; the tolerance is relative where an answer exceeds one.
    """
    values = golden.to_pydict()  # pyarrow's way to NumPy imports pandas, for which a server has no other use
    expected = np.array(values.pop(golden.column_names[-1]), dtype=np.float64)
    difference = np.abs(predict(values) - expected) / np.maximum(1.0, np.abs(expected))
    if len(difference) and not float(np.max(difference)) <= _TOLERANCE:
        raise GoldenMismatch(
            f"the package is off by {np.max(difference):.2g} on its own golden rows",
            hint="the graph or the runtime is not the one that was tested; package the model again",
        )
