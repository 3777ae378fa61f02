"""Bad rows in a Parquet file of their own, each with all its reasons."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def test_each_bad_row_is_there_once_with_every_reason(checked: Any, expect: Any, tmp_path: Any) -> None:
    data = {"id": [1, 2, 2, 4], "fare": [5.0, -1.0, None, 900.0], "reason": ["a", "b", "c", "d"]}
    report = checked(
        data,
        expect("column_values_to_be_unique", column="id"),
        expect("column_values_to_be_between", "warning", column="fare", min_value=0, max_value=100),
        expect("column_mean_to_be_between", column="id", min_value=99),
        expect("column_values_to_be_between", column="id", min_value=0),
        quarantine=tmp_path / "bad" / "rows.parquet",
    )
    assert report.quarantined == 3
    assert pq.read_table(tmp_path / "bad" / "rows.parquet").to_pylist() == [
        {"reason": "id: values to be unique; fare: values to be between (min_value 0, max_value 100)", "_row": 1,
         "_check": "expect_column_values_to_be_unique id,expect_column_values_to_be_between fare",
         "id": 2, "fare": -1.0, "reason_": "b"},
        {"reason": "id: values to be unique", "_row": 2, "_check": "expect_column_values_to_be_unique id",
         "id": 2, "fare": None, "reason_": "c"},
        {"reason": "fare: values to be between (min_value 0, max_value 100)", "_row": 3,
         "_check": "expect_column_values_to_be_between fare", "id": 4, "fare": 900.0, "reason_": "d"},
    ]  # fmt: skip


def test_without_bad_rows_the_file_has_none(checked: Any, expect: Any, tmp_path: Any) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"of another run")
    checked({"id": [1]}, expect("column_to_exist", column="nope"), quarantine=path)
    table = pq.read_table(path)
    assert (table.num_rows, table.column_names) == (0, ["reason", "_row", "_check", "id"])
    assert [one.name for one in tmp_path.iterdir()] == ["bad.parquet"]


def test_a_row_stays_what_it_was(checked: Any, expect: Any, tmp_path: Any) -> None:
    data = pa.table({
        "n": pa.array([1, -1], pa.int16()), "d": pa.array([None, 86_400_000_000], pa.timestamp("us", tz="UTC")),
        "x": pa.array([float("nan"), float("inf")]), "l": [[1], [2, 3]],
    })  # fmt: skip
    checked(data, expect("column_values_to_be_between", column="n", min_value=0), quarantine=tmp_path / "b.parquet")
    kept = pq.read_table(tmp_path / "b.parquet").drop_columns(["reason", "_row", "_check"])
    assert kept.to_pylist() == data.slice(1).to_pylist()


def test_a_full_disk_leaves_nothing_half_written(checked: Any, expect: Any, tmp_path: Any) -> None:
    (tmp_path / "bad.parquet").mkdir()
    with pytest.raises(OSError, match="bad.parquet"):
        checked({"id": [-1]}, expect("column_values_to_be_between", column="id", min_value=0),
                quarantine=tmp_path / "bad.parquet")  # fmt: skip
    assert [one.name for one in tmp_path.iterdir()] == ["bad.parquet"]
