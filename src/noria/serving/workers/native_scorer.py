"""A native model as the server sees it: batches in, answers out, from a process that may die and is started again.

Called from one thread at a time, and never from the event loop: a call waits for the worker.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from noria.core.clock import monotonic
from noria.core.errors import BadInput, Corrupt, NoriaError, Unavailable
from noria.features.model import InputColumn
from noria.optimization.explaining.ensembles import Ensemble
from noria.optimization.explaining.explainer import Trees
from noria.serving.workers.wire import (
    Answers,
    Batch,
    Describe,
    Described,
    Message,
    Open,
    Prepare,
    Prepared,
    Ready,
    Refused,
    receive,
    send,
)

_log = logging.getLogger(__name__)
_LONGEST_ANSWER = 30.0
_LONGEST_START = 120.0
_DEATHS = 3
_LONGEST_REST = 30.0


class WorkerDied(Unavailable):
    """The process that holds a native model died, or gave no answer in time; it is started again."""

    code = "N6020"


class WorkerFailed(NoriaError):
    """The process that holds a native model cannot open it."""

    code = "N6021"


class NativeScorer:
    """The model in the file `path`, in a process of its own that takes `columns` as a `frame`.

    `memory` limits the process's address space, in bytes. After some deaths in a row without an answer between
    them it rests, up to half a minute, before the next start.
    """

    def __init__(
        self, path: Path, columns: Sequence[InputColumn], frame: str, task: str, *, memory: int | None = None
    ) -> None:
        self.columns = tuple(columns)
        self._open = Open(str(path), self.columns, frame, task, tuple(sys.path), memory)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._deaths = 0
        self._rests_until = 0.0
        self._closed = False
        self.starts = 0
        self.kind = ""

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one."""
        return self._process.pid if self._process is not None else None

    def predict(self, values: Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        """The answers to many rows, float64 (rows,); starts the worker where there is none.

        Raises BadInput when the model refuses the rows, WorkerDied, WorkerFailed.
        """
        said = self._asked(Batch(self._columns_of(values)))
        if not isinstance(said, Answers):
            raise _refused(said)
        return np.frombuffer(said.values, "<f8")

    def trees(self) -> Trees | None:
        """The trees that the model ends in, None where it does not or they cannot be read. Raises as `predict` does."""
        said = self._asked(Describe())
        if not isinstance(said, Described):
            raise _refused(said)
        return Trees(Ensemble.unpacked(said.ensemble), self._features, self.predict) if said.ensemble else None

    def _features(self, values: Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        said = self._asked(Prepare(self._columns_of(values)))
        if not isinstance(said, Prepared):
            raise _refused(said)
        return np.frombuffer(said.values, said.kind).reshape(-1, said.width)

    def _columns_of(self, values: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        try:
            return {column.name: list(values[column.name]) for column in self.columns}
        except KeyError as error:
            raise BadInput(f"there is no column {error}") from None

    def _asked(self, question: Batch | Describe | Prepare) -> Message:
        with self._lock:
            connection = self._alive()
            try:
                send(connection, question)
                said = receive(connection)
            except (OSError, EOFError, Corrupt) as error:
                raise self._died(error) from error
            self._deaths = 0
        return said

    def predict_row(self, row: Mapping[str, Any]) -> float:
        """The answer to one row."""
        return float(self.predict({column.name: [row[column.name]] for column in self.columns})[0])

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[float]:
        """The answers to several rows."""
        found: list[float] = self.predict({one.name: [row[one.name] for row in rows] for one in self.columns}).tolist()
        return found

    def close(self) -> None:
        """End the worker. Closing again changes nothing; a closed one does not answer."""
        with self._lock:
            self._closed = True
            self._end()

    def _alive(self) -> socket.socket:
        if self._closed:
            raise WorkerDied("this version is not served any more", hint="ask again")
        if self._connection is None:
            if monotonic() < self._rests_until:
                raise WorkerDied(f"the model's process died {self._deaths} times in a row", hint="its log tells why")
            self._connection = self._start()
        return self._connection

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "noria.serving.workers.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.starts += 1
        ours.settimeout(_LONGEST_START)
        try:
            send(ours, self._open)
            said = receive(ours)
        except (OSError, EOFError, Corrupt) as error:
            ours.close()
            raise self._died(error) from error
        if not isinstance(said, Ready):
            ours.close()
            self._end()
            raise WorkerFailed(
                f"the model cannot be opened: {said.message if isinstance(said, Refused) else said}",
                hint="its libraries must be installed here, in the releases it was trained with",
            )
        self.kind = said.kind
        ours.settimeout(_LONGEST_ANSWER)
        return ours

    def _died(self, error: Exception) -> WorkerDied:
        code = self._end()
        self._deaths += 1
        if self._deaths >= _DEATHS:
            self._rests_until = monotonic() + min(_LONGEST_REST, 0.5 * 2.0 ** (self._deaths - _DEATHS))
        _log.warning("the process of a %s died (%s, exit status %s)", self.kind or "model", error, code)
        slow = isinstance(error, TimeoutError)
        why = f"gave no answer in {_LONGEST_ANSWER:g} s" if slow else f"died with exit status {code}"
        return WorkerDied(f"the process that holds the model {why}", hint="it is started again; ask again")

    def _end(self) -> int | None:
        connection, process = self._connection, self._process
        self._connection = self._process = None
        if connection is not None:
            with suppress(OSError):
                connection.close()
        if process is None:
            return None
        with suppress(subprocess.TimeoutExpired):  # one that died already keeps its own exit status
            return process.wait(0.05)
        process.kill()
        return process.wait()


def _refused(said: Message) -> BadInput:
    return BadInput(f"the model refuses: {getattr(said, 'message', said)}")
