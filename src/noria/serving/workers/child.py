"""A worker: the process that unpickles one native model and answers batches until its server is gone.

Run as `python -m noria.serving.workers.child FD`, where FD is its end of a socket pair.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from noria.core.errors import NoriaError
from noria.features.model import InputColumn
from noria.optimization import native
from noria.optimization.explaining.boosters import Boosted, read_boosted
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
from noria.training.frames import to_frame
from noria.training.model import Frame
from noria.training.operations import ask

Question = Batch | Describe | Prepare
_TYPES = {
    "string": pa.string(), "float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "time": pa.int64(),
}  # fmt: skip


def main() -> None:
    """Answer until the other end is gone."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    os.dup2(2, 1)  # what a model prints is no answer of the server's
    try:
        answer = _opened(connection)
        first = True
        while answer is not None:
            message = receive(connection)
            if isinstance(message, Batch | Describe | Prepare):
                send(connection, answer(message))
                if first:
                    threadpool_limits(1)  # again, for what the first answer has loaded
                    first = False
    except (EOFError, ConnectionError):
        pass


def _opened(connection: socket.socket) -> Callable[[Question], Message] | None:
    asked = receive(connection)
    if not isinstance(asked, Open):
        return None
    try:
        if asked.memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (asked.memory, asked.memory))
        sys.path[:] = [*dict.fromkeys([*asked.imports, *sys.path])]
        model = native.load_file(Path(asked.path))
        threadpool_limits(1)  # for good: it has no other work
    except Exception as error:
        send(connection, Refused(_said(error)))
        return None
    send(connection, Ready(type(model).__name__))
    held = _Held(asked, model)
    return held.answer


class _Held:
    """The model, and what is asked of it."""

    def __init__(self, asked: Open, model: Any) -> None:
        self._asked, self._model = asked, model

    def answer(self, question: Question) -> Message:
        """Whatever goes wrong is told."""
        try:
            if isinstance(question, Batch):
                values = ask(self._model, self._frame(question.columns), self._asked.task)
                return Answers(np.asarray(values, "<f8").tobytes())
            if isinstance(question, Describe):
                return Described(b"" if self._boosted is None else self._boosted.ensemble.packed())
            return self._prepared(question)
        except Exception as error:
            return Refused(_said(error))

    def _frame(self, columns: dict[str, list[Any]]) -> Any:
        asked = self._asked
        return to_frame(rows_table(columns, asked.columns), asked.columns, cast("Frame", asked.frame))

    @cached_property
    def _boosted(self) -> Boosted | None:
        return read_boosted(self._model)

    def _prepared(self, question: Prepare) -> Message:
        if self._boosted is None:
            return Refused("the model ends in no trees")
        found = self._boosted.features(self._frame(question.columns))
        kind = found.dtype.newbyteorder("<")
        return Prepared(kind.str, found.shape[1], found.astype(kind).tobytes())


def rows_table(values: dict[str, list[Any]], columns: tuple[InputColumn, ...]) -> pa.Table:
    """Rows by column as Arrow, in the types that the columns declare. Raises ArrowInvalid, ArrowTypeError, KeyError."""
    found = {}
    for column in columns:
        kind = _TYPES[column.dtype]
        found[column.name] = pa.array(values[column.name], pa.list_(kind) if column.many else kind)
    return pa.table(found)


def _said(error: Exception) -> str:
    return error.message if isinstance(error, NoriaError) else f"{type(error).__name__}: {error}"[:500]


if __name__ == "__main__":
    main()
