"""Statistics of a source are those of all its good rows, however they are spread over files."""

from __future__ import annotations

import pytest

from noria.data import operations as data


def test_statistics_add_up_over_files(ws, lenient, row, write):
    rows = [row(celsius=1.0, station="oslo"), row(celsius=2.0, station="rome", retries=None), row(celsius=None)]
    write("1.parquet", rows)
    write("2.parquet", [row(celsius=6.0, station="oslo", retries=4), row(celsius=-1.0, station="bari")])
    snapshot = data.take_snapshot(ws, lenient)
    assert snapshot.statistics["celsius"] == {"nulls": 0.0, "min": -1.0, "max": 6.0, "mean": 2.0}
    assert snapshot.statistics["retries"] == {"nulls": 0.25, "min": 0, "max": 4, "mean": pytest.approx(4 / 3)}
    assert snapshot.statistics["station"] == {"nulls": 0.0, "top": {"oslo": 0.5, "bari": 0.25, "rome": 0.25}}
    assert snapshot.statistics["at"]["min"] == snapshot.first_event == rows[0]["at"]
    assert (snapshot.rows, data.check(ws, lenient, snapshot).rows) == (5, 4)


def test_sums_too_large_for_a_number_have_no_mean(ws, lenient, row, write):
    from dataclasses import replace

    from noria.core.schema import Column

    columns = [Column("celsius", "float") if one.name == "celsius" else one for one in lenient.schema]
    wild = replace(lenient, schema=replace(lenient.schema, columns=tuple(columns)))
    write("1.parquet", [row(celsius=1.7e308), row(celsius=1.7e308)])
    assert "mean" not in data.take_snapshot(ws, wild).statistics["celsius"]
