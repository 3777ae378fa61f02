"""A version answering chunks: rows typed, refused or looked up, scored together, and written beside their key."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.clock import Clock, Micros
from noria.core.errors import BadInput
from noria.core.schema import Column
from noria.features.model import InputSet
from noria.optimization.operations import load_package
from noria.optimization.session import Session, check_golden
from noria.serving.batch.looking_up import LookUp
from noria.serving.batch.model import ERROR, PREDICTION, VERSION
from noria.serving.batch.native_rows import NativeRows
from noria.serving.batch.typing_rows import type_rows
from noria.workspace.workspace import Workspace

_MOMENT = pa.timestamp("us", tz="UTC")
_MOST_SINGLED = 200
"""Rows of one chunk that are singled out because the model or a function refused them; more are the chunk's fault."""


@dataclass(frozen=True)
class Answers:
    """A chunk's rows of the output, how many were refused, and some reasons."""

    table: pa.Table
    refused: int
    reasons: tuple[str, ...]


class Answerer:
    """Answers chunks with version `number` of a model.

    `carried` are columns of the input that are written as they are. Rows are asked at the moment they name
    (`own_moment`), or at `moment`; when that is None, at the moment when they are answered.
    """

    def __init__(
        self,
        number: int,
        inputs: InputSet,
        session: Session | NativeRows,
        look_up: LookUp,
        carried: Sequence[str],
        clock: Clock,
        *,
        own_moment: bool,
        moment: Micros | None,
    ) -> None:
        self._number, self._inputs, self._session, self._look_up = number, inputs, session, look_up
        self._carried, self._clock = carried, clock
        self._own, self._moment = own_moment, moment
        asked = Column(inputs.asked_at, "time")
        others = tuple(column for column in look_up.needed if column.name != asked.name)
        self.needed = (*others, asked) if own_moment or len(others) < len(look_up.needed) else others

    def answer(self, chunk: pa.Table) -> Answers:
        """One row of the output for each row of the chunk, in its order.

        Raises UnfitTable when a column is of a kind that the model cannot take, FunctionFailed or BadInput when
        more than some rows of the chunk are refused by functions or the graph.
        """
        typed = type_rows(chunk, self.needed)
        reasons = typed.reasons
        moments = self._moments(typed.columns, chunk.num_rows)
        predictions = np.full(chunk.num_rows, np.nan)
        good = np.flatnonzero(typed.good)
        self._score(typed.columns, moments, good, predictions, reasons)
        for row in np.flatnonzero((reasons == "") & ~np.isfinite(predictions)):
            reasons[row] = f"version {self._number} answered {predictions[row]}, which is no finite number"
        return self._written(chunk, moments, predictions, reasons)

    def close(self) -> None:
        """Let go of what is open."""
        self._look_up.close()
        if isinstance(self._session, NativeRows):
            self._session.close()

    def _score(
        self,
        columns: Mapping[str, Any],
        moments: np.ndarray[Any, Any],
        rows: np.ndarray[Any, Any],
        predictions: np.ndarray[Any, Any],
        reasons: np.ndarray[Any, Any],
    ) -> None:
        """Rows that fail together are halved until those that fail alone are known."""
        waiting, singled = [rows], 0
        while waiting:
            some = waiting.pop()
            if not len(some):
                continue
            where = pa.array(some)
            try:
                taken = {name: values.take(where) for name, values in columns.items()}
                predictions[some] = self._session.predict(self._look_up.inputs(taken, moments[some]))
            except BadInput as error:
                if len(some) > 1:
                    waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
                    continue
                singled += 1
                if singled > _MOST_SINGLED:
                    raise
                reasons[some[0]] = error.message

    def _moments(self, columns: Mapping[str, Any], rows: int) -> np.ndarray[Any, Any]:
        if self._own:
            found: np.ndarray[Any, Any] = columns[self._inputs.asked_at].fill_null(0).to_numpy(zero_copy_only=False)
            return found
        return np.full(rows, self._clock.now() if self._moment is None else self._moment, dtype=np.int64)

    def _written(
        self,
        chunk: pa.Table,
        moments: np.ndarray[Any, Any],
        predictions: np.ndarray[Any, Any],
        reasons: np.ndarray[Any, Any],
    ) -> Answers:
        bad = reasons != ""
        columns: dict[str, Any] = {name: chunk[name] for name in self._carried}
        columns[self._inputs.asked_at] = pa.array(moments, pa.int64(), mask=bad & (moments == 0)).cast(_MOMENT)
        columns[PREDICTION] = pa.array(predictions, pa.float64(), mask=bad)
        columns[VERSION] = pa.array(np.full(len(moments), self._number), pa.int64())
        columns[ERROR] = pa.array([reason or None for reason in reasons], pa.string())
        some = tuple(dict.fromkeys(str(reason) for reason in reasons[bad][:100]))[:3]
        return Answers(pa.table(columns), int(bad.sum()), some)


def open_version(ws: Workspace, digest: str, memory: int | None = None) -> Session | NativeRows:
    """What answers for a version, checked against the golden rows: its graph, or a process with its native model.

    `memory` limits the address space of that process, in bytes. Raises GoldenMismatch,
    WorkerFailed when a native model cannot be opened, Corrupt, NotFound.
    """
    package = load_package(ws, digest)
    golden = pq.read_table(io.BytesIO(ws.blobs.get(package.golden)))
    if package.format == "onnx":
        session = Session(ws.blobs.path(package.model), package.columns)
        session.check_golden(golden)
        return session
    rows = NativeRows(ws.blobs.path(package.model), package, memory)
    try:
        check_golden(rows.predict, golden)
    except BaseException:
        rows.close()
        raise
    return rows
