"""What can be done with a trained model: package it, with the proof that the package answers like the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from noria.core.digest import canonical, digest
from noria.core.errors import BadInput, NoriaError
from noria.features.model import InputColumn, InputSet, input_columns
from noria.optimization import native
from noria.optimization.convert import Conversion, NotConvertible, conversions
from noria.optimization.fusing import fused
from noria.optimization.model import Equality, Format, Package
from noria.optimization.probes import probes
from noria.optimization.session import Session
from noria.workspace.workspace import Workspace

Array = np.ndarray[Any, Any]
Task = Literal["classification", "regression"]
Answer = Callable[[pa.Table], Array]
"""What the native model answers to rows with the flattened inputs."""

_TOLERANCE = 1e-5
_GOLDEN_ROWS = 64
_PACKAGE = TypeAdapter(Package)


@dataclass(frozen=True)
class _Trial:
    """One way to convert, tried: the graph's blob, how it compares, and why it was not taken ("" when it was)."""

    blob: str
    equality: Equality | None
    why: str


def package(
    ws: Workspace,
    *,
    model: Any,
    inputs: InputSet,
    label: str,
    task: Task,
    table: pa.Table,
    prediction: Array,
    answer: Answer | None = None,
    frame: str = "pandas",
) -> Package:
    """Turn a fitted model into one ONNX graph and compare it with the model on every row of `table`.

    `prediction` are the native answers to `table`'s rows. A model that has no ONNX form, or whose graph
    answers otherwise on any row, stays native, and the package says why. With `answer`, which asks the native
    model, it is also tried with nulls and with texts never seen. Raises BadInput for a classifier that does
    not tell two classes apart, and when rows and answers differ in number.
    """
    _refuse(model, task, table, prediction)
    columns = input_columns(inputs)
    trial = _best(ws, model, columns, task, table, prediction, answer)
    kind: Format = "native" if trial.why else "onnx"
    blob = native.save(ws, model) if trial.why else trial.blob
    golden = ws.blobs.put(_golden(table, [column.name for column in columns], prediction))
    size = ws.blobs.path(blob).stat().st_size
    named = digest([kind, blob, golden, inputs, label, task])
    matrix = "" if trial.why else _fused(ws, blob, columns, table)
    proof = (trial.equality, trial.why, matrix, frame)
    return Package(named, kind, blob, golden, inputs, columns, label, task, size, *proof)


def served_graph(ws: Workspace, package: Package) -> str:
    """The digest of the graph to serve: the one that takes a matrix, where there is one and it is here."""
    return package.fused if package.fused and ws.blobs.exists(package.fused) else package.model


def compare(packaged: Array, expected: Array, task: Task = "classification") -> Equality:
    """Answers of the package beside those of the model.

    Chances are compared as they are; values relative to their own size, or to their spread where that is
    larger. A row whose answer is NaN or infinite is beyond any tolerance.
    """
    difference = np.abs(packaged - expected)
    if task == "regression":
        scale = np.maximum(np.abs(expected), np.std(expected) if len(expected) else 0.0)
        difference = difference / np.where(scale > 0, scale, 1.0)
    known = difference[np.isfinite(difference)]
    beyond = int(np.sum(~(difference <= _TOLERANCE)))
    return Equality(len(expected), float(known.max()) if len(known) else 0.0, _TOLERANCE, beyond)


def save_package(ws: Workspace, package: Package) -> str:
    """Keep a package's description; gives its blob's digest."""
    return ws.blobs.put(canonical(package).encode())


def load_package(ws: Workspace, digest_text: str) -> Package:
    """The package that `save_package` kept. Raises NotFound, Corrupt."""
    return _PACKAGE.validate_json(ws.blobs.get(digest_text))


def _refuse(model: Any, task: Task, table: pa.Table, prediction: Array) -> None:
    if table.num_rows != len(prediction):
        raise BadInput(f"{table.num_rows} rows and {len(prediction)} answers cannot be compared")
    classes = getattr(model, "classes_", None)
    if task == "classification" and classes is not None and len(classes) != 2:
        raise BadInput(
            f"{type(model).__name__} tells {len(classes)} classes apart, and a package answers with one chance",
            hint="declare a label that is true or false, or a column to predict as a number",
        )


def _best(
    ws: Workspace,
    model: Any,
    columns: Sequence[InputColumn],
    task: Task,
    table: pa.Table,
    prediction: Array,
    answer: Answer | None,
) -> _Trial:
    """The first conversion that is proven to answer alike, or else the one that came nearest to it."""
    if not table.num_rows:
        return _Trial("", None, "there are no test rows to compare its ONNX graph on")
    tried: list[_Trial] = []
    try:
        for convert in conversions(model, columns):
            tried.append(_try(ws, convert, columns, task, table, prediction, answer))
            if not tried[-1].why:
                return tried[-1]
    except NotConvertible as error:
        return _Trial("", None, error.message)
    compared = [trial for trial in tried if trial.equality]
    return min(compared, key=lambda trial: trial.equality.beyond if trial.equality else 0) if compared else tried[0]


def _try(
    ws: Workspace,
    convert: Conversion,
    columns: Sequence[InputColumn],
    task: Task,
    table: pa.Table,
    prediction: Array,
    answer: Answer | None,
) -> _Trial:
    try:
        blob = ws.blobs.put(convert())
        session = Session(ws.blobs.path(blob), columns)
        equality = compare(session.predict(table), prediction, task)
        why = _unequal(equality)
        if not why and answer is not None:
            why = _differs_on_a_probe(session, columns, task, table, answer)
    except NoriaError as error:
        return _Trial("", None, error.message)
    except Exception as error:  # whatever the runtime raises for a graph it cannot use
        return _Trial("", None, f"its ONNX graph cannot be run: {type(error).__name__}: {str(error)[:200]}")
    return _Trial(blob, equality, why)


def _fused(ws: Workspace, blob: str, columns: Sequence[InputColumn], table: pa.Table) -> str:
    """The blob of the graph that takes a matrix, if there is one and it answers bit by bit the same; else ""."""
    content = fused(ws.blobs.get(blob))
    if content is None:
        return ""
    matrix = ws.blobs.put(content)
    sessions = (Session(ws.blobs.path(one), columns) for one in (blob, matrix))
    tables = [table, *(rows for _, rows in probes(columns, table) if rows.num_rows)]
    one, other = ([session.predict(rows) for rows in tables] for session in sessions)
    return matrix if all(map(_same_bits, one, other)) else ""


def _same_bits(one: Array, other: Array) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def _differs_on_a_probe(
    session: Session, columns: Sequence[InputColumn], task: Task, table: pa.Table, answer: Answer
) -> str:
    for said, rows in probes(columns, table):
        if not rows.num_rows:
            continue
        try:
            expected = answer(rows)
        except NoriaError:
            continue  # the model itself refuses such rows: nothing to agree with
        if not compare(session.predict(rows), expected, task).equal:
            return f"its ONNX graph answers otherwise when {said}"
    return ""


def _golden(table: pa.Table, names: list[str], prediction: Array) -> bytes:
    step = max(1, table.num_rows // _GOLDEN_ROWS)
    rows = pa.array(np.arange(0, table.num_rows, step)[:_GOLDEN_ROWS])
    answer = "prediction"
    while answer in names:
        answer += "_"
    golden = table.select(names).append_column(answer, pa.array(prediction, pa.float64())).take(rows)
    sink = pa.BufferOutputStream()
    pq.write_table(golden.replace_schema_metadata(None), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue())


def _unequal(equality: Equality) -> str:
    if equality.equal:
        return ""
    return (
        f"its ONNX graph answers otherwise on {equality.beyond:,} of {equality.rows:,} test rows "
        f"(by up to {equality.largest:.2g})"
    )
