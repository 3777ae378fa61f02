"""Whole tables answered by a native model: through a process of its own, as the server asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_airline import Airline, given
from homemade import Doubling
from native_airline import add_native

from noria.core.schema import Column
from noria.features.model import ColumnInput, InputColumn, InputSet
from noria.optimization import native
from noria.optimization.model import GoldenMismatch, Package
from noria.serving.batch import native_rows
from noria.serving.batch.answering import Answerer
from noria.serving.batch.looking_up import Given
from noria.serving.batch.native_rows import NativeRows, RowKills
from noria.serving.workers.native_scorer import WorkerDied, WorkerFailed
from noria.workspace.workspace import Workspace

X = pa.table({"x": [float(n) for n in range(5000)]})


def rows_of(ws: Workspace, model: object, **options: Any) -> NativeRows:
    blob = native.save(ws, model)
    columns = (InputColumn("x", "float"),)
    package = Package("", "native", blob, "", None, columns, "y", "regression", 0)  # type: ignore[arg-type]
    return NativeRows(ws.blobs.path(blob), package, **options)


def test_the_answers_are_those_of_a_server(airline: Airline, open_plane: Callable[..., Any]) -> None:
    number = add_native(airline.ws, 0.013)
    rows = [{**one, "Aircraft.last_delay": float(place % 30)} for place, one in enumerate(given(300))]
    answered = airline.predict(airline.write("rows.parquet", rows), "answers.parquet", rows=70)
    assert (answered.rows, answered.refused, answered.chunks, answered.version) == (300, 0, 5, number)
    expected = [0.2 + 0.013 * one["Aircraft.last_delay"] + 0.0001 * one["distance"] for one in rows]
    assert pq.read_table(airline.root / "answers.parquet")["prediction"].to_pylist() == pytest.approx(expected)
    server = open_plane()
    server.plane.online.backfill(airline.tables())
    plain = [{name: value for name, value in one.items() if "." not in name} for one in rows[:40]]
    online = server.predict(*plain)
    server.plane.close()
    airline.predict(airline.write("plain.parquet", plain), "online.parquet", lookup="online")
    ours = pq.read_table(airline.root / "online.parquet")["prediction"].to_pylist()
    assert ours == pytest.approx([one["output"] for one in online], abs=1e-9)


def test_a_model_that_is_not_what_was_recorded_answers_nothing(airline: Airline) -> None:
    add_native(airline.ws, 0.01, expected_weight=0.02)
    with pytest.raises(GoldenMismatch):
        airline.predict(airline.write("rows.parquet", given(10)), "answers.parquet")
    assert not list(airline.root.glob("*answers*"))
    assert not list(airline.root.glob(".*.unfinished"))


def test_many_rows_go_in_batches_and_none_is_lost(ws: Workspace) -> None:
    rows = rows_of(ws, Doubling())
    halves = pa.table({"x": X["x"].to_numpy() + 0.5})
    np.testing.assert_array_equal(rows.predict(halves), 2 * X["x"].to_numpy() + 1)
    assert len(rows.predict(X.slice(0, 0))) == 0
    rows.close()


def test_rows_that_kill_the_process_are_told_and_the_others_answered(ws: Workspace) -> None:
    rows = rows_of(ws, Doubling())
    with pytest.raises(RowKills, match=r"exit status 9.*one of 2,048 rows"):
        rows.predict(X)
    with pytest.raises(RowKills, match="twice, of this row"):
        rows.predict(X.slice(666, 1))
    np.testing.assert_array_equal(rows.predict(X.slice(0, 666)), 2 * X["x"].to_numpy()[:666])
    rows.close()


def test_one_row_that_kills_is_there_with_the_reason_and_no_other_is_lost(ws: Workspace) -> None:
    request = (Column("n", "int"), Column("x", "float"), Column("at", "time"))
    inputs = InputSet("Thing", "n", "at", request, (), (ColumnInput("x", "float"),))
    rows = rows_of(ws, Doubling())
    look_up = Given(inputs, {}, frozenset({"n", "x"}))
    answerer = Answerer(1, inputs, rows, look_up, ["n"], ws.clock, own_moment=False, moment=0)
    x = [float(n) for n in range(130)]
    x[7], x[66] = -1.0, 666.0
    answers = answerer.answer(pa.table({"n": range(130), "x": x}))
    answerer.close()
    assert answers.refused == 2
    table = answers.table.to_pydict()
    assert "no negative numbers" in table["error"][7]
    assert "exit status 9, twice, of this row" in table["error"][66]
    assert [one for one in table["prediction"] if one is not None] == [2 * n for n in x if n not in (-1, 666)]


def test_a_model_that_always_dies_or_cannot_be_opened_ends_the_job(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_rows, "_MOST_DEATHS", 3)
    rows = rows_of(ws, Doubling())
    with pytest.raises(RowKills):
        rows.predict(X.slice(666, 1))
    with pytest.raises(WorkerDied, match="death number 3"):
        rows.predict(X.slice(666, 1))
    rows.close()
    unopened = NativeRows(ws.blobs.path(ws.blobs.put(b"no pickle")), rows._package)
    with pytest.raises(WorkerFailed, match="cannot be opened"):
        unopened.predict(X)
    unopened.close()
