"""Stations that send readings, with features of every kind over windows of every hop."""

from __future__ import annotations

import pyarrow as pa

from noria.core.schema import Column
from noria.features.model import FeatureSpec, InputSet, Predicate, ViewInput, ViewSpec

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
COLUMNS = (
    Column("station", "string", nullable=True),
    Column("at", "time"),
    Column("celsius", "float", nullable=True),
    Column("retries", "int", nullable=True),
    Column("state", "string", nullable=True),
)
WINDOWS = (7 * MINUTE, 3 * HOUR, 30 * HOUR, 13 * DAY)
"""One below, one on and two beyond a hop of five minutes; the last has hops of a day."""


def _windowed(window):
    named = {
        "rows": ("count", None), "temperatures": ("count", "celsius"), "warmth": ("sum", "celsius"),
        "tries": ("sum", "retries"), "mean": ("mean", "celsius"), "coldest": ("min", "celsius"),
        "most": ("max", "retries"),
    }  # fmt: skip
    for name, (kind, column) in named.items():
        dtype = "int" if kind == "count" or column == "retries" else "float"
        yield FeatureSpec(f"{name}_{window}", kind, column, window=window, dtype=dtype)
    for column, op, value in (("celsius", ">", 15.0), ("retries", "==", 0.0), ("state", "!=", "it's")):
        yield FeatureSpec(f"{column}_{window}", "share", predicate=Predicate(column, op, value), window=window)


STATION = ViewSpec(
    "Station", "Reading", ("station",), "at",
    (
        *(feature for window in WINDOWS for feature in _windowed(window)),
        FeatureSpec("newest", "latest", "celsius", ttl=2 * HOUR),
        FeatureSpec("state", "latest", "state", ttl=10 * MINUTE, dtype="string"),
    ),
    COLUMNS,
)  # fmt: skip
INPUTS = InputSet(
    "Question", "question", "asked_at",
    (Column("question", "string"), Column("station", "string", nullable=True), Column("asked_at", "time")),
    (STATION,), (ViewInput("Station", ("station",)),),
)  # fmt: skip
TYPES = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "time": pa.int64(), "bool": pa.bool_()}
