"""A native model answering tables: rows go to a process of its own in batches, and rows that kill it are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from noria.core.errors import BadInput
from noria.features.model import InputColumn
from noria.optimization.model import Package
from noria.serving.workers.native_scorer import NativeScorer, WorkerDied

_ROWS = 2048
_MOST_DEATHS = 100
"""Deaths of the model's process in one job: a row that kills it takes about a dozen to be found."""


class RowKills(BadInput):
    """The process that holds a native model dies of these rows, or does not answer them in time."""

    code = "N6110"


class NativeRows:
    """The native model of `package`, whose file is `path`, as a graph's session answers: a table in, numbers out.

    `memory` limits the process's address space, in bytes.
    """

    def __init__(self, path: Path, package: Package, memory: int | None = None) -> None:
        self._path, self._package, self._memory = path, package, memory
        self._scorer = self._opened()
        self._deaths = 0

    @property
    def columns(self) -> tuple[InputColumn, ...]:
        """What the model takes."""
        return self._package.columns

    def predict(self, values: pa.Table | Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        """The answers, float64 (rows,). Raises BadInput when the model refuses rows or one of them kills it (RowKills);
        WorkerFailed when it cannot be opened, WorkerDied when it has died too often to go on.
        """
        table = values if isinstance(values, pa.Table) else pa.table(dict(values))
        found = [self._some(table.slice(start, _ROWS)) for start in range(0, table.num_rows, _ROWS)]
        return np.concatenate(found) if found else np.empty(0)

    def close(self) -> None:
        """End the process."""
        self._scorer.close()

    def _some(self, table: pa.Table) -> np.ndarray[Any, Any]:
        rows = table.to_pydict()
        try:
            return self._scorer.predict(rows)
        except WorkerDied as error:
            self._again(error)
            if table.num_rows > 1:  # whoever asks takes them apart
                raise RowKills(f"{error.message}, of one of {table.num_rows:,} rows", hint=error.hint) from error
        try:  # whatever killed it from outside is gone by now
            return self._scorer.predict(rows)
        except WorkerDied as error:
            self._again(error)
            raise RowKills(f"{error.message}, twice, of this row", hint="its log tells why") from error

    def _again(self, error: WorkerDied) -> None:
        """A scorer that has not died yet: one that dies in a row, as while rows are taken apart, would rest."""
        self._scorer.close()
        self._deaths += 1
        if self._deaths >= _MOST_DEATHS:
            said = f"{error.message}, which was death number {self._deaths}"
            raise WorkerDied(said, hint="its log tells why; what was answered before is kept") from error
        self._scorer = self._opened()

    def _opened(self) -> NativeScorer:
        package = self._package
        return NativeScorer(self._path, package.columns, package.frame, package.task, memory=self._memory)
