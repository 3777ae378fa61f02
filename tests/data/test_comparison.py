"""A snapshot beside the one accepted before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from noria.core.clock import parse_moment
from noria.core.schema import Schema
from noria.data import operations as data
from noria.data.model import DataRefused

NOON = parse_moment("2024-06-10T12:00:00")


def accept(ws, spec, **when):
    return data.check(ws, spec, data.take_snapshot(ws, spec, **when))


def found(checked):
    return [(one.check, one.rows, one.message, one.example) for one in checked.problems]


def test_fewer_rows_and_a_vanished_file_are_told(ws, readings, row, write):
    write("1.parquet", [row() for _ in range(6)])
    path = write("2.parquet", [row(), row()])
    accept(ws, readings)
    path.unlink()
    assert found(accept(ws, readings)) == [
        ("shrunk", 2, "rows shrank from 8 to 6 since the last accepted snapshot", ""),
        ("vanished", 0, "1 files are gone", "data/2.parquet"),
    ]


def test_a_changed_file_is_told(ws, readings, row, write):
    write("1.parquet", [row()])
    accept(ws, readings)
    write("1.parquet", [row(), row()])
    assert found(accept(ws, readings)) == [("changed", 0, "1 files have other content", "data/1.parquet")]


def test_a_source_that_loses_more_than_half_is_refused_unless_that_is_tolerated(ws, readings, row, write):
    write("1.parquet", [row() for _ in range(10)])
    accept(ws, readings)
    write("1.parquet", [row() for _ in range(4)])
    with pytest.raises(DataRefused, match="rows shrank from 10 to 4"):
        accept(ws, readings)
    assert accept(ws, replace(readings, tolerate=0.7)).rows == 4


def test_an_earlier_moment_is_not_a_loss(ws, readings, row, write):
    rows = [row() for _ in range(10)]
    write("1.parquet", rows)
    accept(ws, readings)
    assert found(accept(ws, readings, as_of=rows[1]["at"])) == []
    assert found(accept(ws, readings)) == []


def test_a_column_no_longer_declared_is_told(ws, readings, row, write):
    write("1.parquet", [row()])
    accept(ws, readings)
    less = replace(readings, schema=Schema(readings.schema.columns[:-1], "at", "reading_id"))
    checked = accept(ws, less)
    assert [one.message for one in checked.problems] == ["columns are no longer declared: retries"]
    assert "retries" not in data.read_parts(ws, checked.parts).column_names


def test_looser_rules_judge_the_same_snapshot_again(ws, readings, row, write):
    write("1.parquet", [row(), row(celsius=None)])
    with pytest.raises(DataRefused):
        accept(ws, readings)
    assert accept(ws, replace(readings, tolerate=0.5)).rows == 1


def test_a_copied_file_of_a_source_without_a_key_is_refused(ws, readings, row, write):
    keyless = replace(readings, schema=replace(readings.schema, key=None))
    path = write("1.parquet", [row(), row()])
    (ws.root / "data/copy of 1.parquet").write_bytes(path.read_bytes())
    with pytest.raises(DataRefused, match=r"data/copy of 1\.parquet has the same rows as data/1\.parquet"):
        accept(ws, keyless)


def test_a_snapshot_of_another_declaration_is_not_judged_by_this_one(ws, readings, row, write):
    write("1.parquet", [row()])
    snapshot = data.take_snapshot(ws, readings)
    from noria.core.errors import BadInput

    with pytest.raises(BadInput, match="another declaration of Other"):
        data.check(ws, replace(readings, name="Other"), snapshot)
