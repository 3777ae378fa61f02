"""The same columns in the frame that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from noria.core.errors import BadInput
from noria.features.model import InputColumn
from noria.training.frames import label_series, to_frame
from noria.training.model import Frame

TABLE = pa.table({
    "origin": pa.array(["JFK", None], pa.string()), "seats": pa.array([2, 3], pa.int64()),
    "stops": pa.array([1, None], pa.int64()), "miles": pa.array([0.5, None], pa.float64()),
    "night": pa.array([True, False]), "departs": pa.array([0, 1_000_001], pa.int64()),
    "label": pa.array([1.0, 0.0]), "not an input": [1, 2],
})  # fmt: skip
TEXT = InputColumn("origin", "string")
NUMBERS = (
    InputColumn("departs", "time"), InputColumn("seats", "int"), InputColumn("stops", "int"),
    InputColumn("miles", "float"), InputColumn("night", "bool"),
)  # fmt: skip


def test_pandas() -> None:
    X = to_frame(TABLE, (TEXT, *NUMBERS), "pandas")
    assert list(X.columns) == ["origin", "departs", "seats", "stops", "miles", "night"]
    kinds = {name: str(dtype) for name, dtype in X.dtypes.items()}
    assert kinds.pop("origin") in ("object", "str")
    assert kinds == {
        "departs": "datetime64[us, UTC]", "seats": "int64", "stops": "float64", "miles": "float64", "night": "bool"
    }  # fmt: skip
    assert X["departs"][1] == datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)
    assert X["origin"][0] == "JFK"
    assert pd.isna(X["origin"][1])
    assert np.isnan(X["stops"][1])
    assert isinstance(label_series(TABLE, "pandas"), pd.Series)


def test_polars_and_arrow_keep_nulls() -> None:
    X = to_frame(TABLE, (TEXT, *NUMBERS), "polars")
    assert X.schema["departs"] == pl.Datetime("us", "UTC")
    assert X["stops"].to_list() == [1, None]
    assert label_series(TABLE, "polars").dtype == pl.Float64
    arrow = to_frame(TABLE, (TEXT, *NUMBERS), "arrow")
    assert arrow["origin"].to_pylist() == ["JFK", None]
    assert label_series(TABLE, "arrow").to_pylist() == [1.0, 0.0]


def test_numpy_is_one_matrix_of_numbers() -> None:
    X = to_frame(TABLE, NUMBERS, "numpy")
    assert (X.dtype, X.shape) == (np.float64, (2, 5))
    assert X[1].tolist()[:2] == [1_000_001.0, 3.0]
    assert np.isnan(X[1, 2:4]).all()
    assert X[:, 4].tolist() == [1.0, 0.0]
    with pytest.raises(BadInput, match="origin is text"):
        to_frame(TABLE, (TEXT, *NUMBERS), "numpy")


@pytest.mark.parametrize("frame", ["pandas", "polars", "arrow", "numpy"])
def test_no_rows_and_many_chunks(frame: Frame) -> None:
    assert len(to_frame(TABLE.slice(0, 0), NUMBERS, frame)) == 0
    chunked = pa.concat_tables([TABLE, TABLE])
    assert len(to_frame(chunked, NUMBERS, frame)) == len(label_series(chunked, frame)) == 4
