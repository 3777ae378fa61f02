"""A workspace on a temporary folder at noon of 10 June 2024, and a source of readings that tests write files for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.config.settings import settings_for
from noria.core.clock import ManualClock, parse_moment
from noria.core.schema import Column, Schema
from noria.data import operations  # noqa: F401  its tables must be known before a workspace is opened
from noria.data.model import Location, SourceSpec
from noria.workspace.workspace import Workspace, open_workspace

NOON = parse_moment("2024-06-10T12:00:00")
READINGS = SourceSpec(
    "Reading",
    Schema(
        (
            Column("reading_id", "string"),
            Column("station", "string"),
            Column("at", "time"),
            Column("celsius", "float", unit="degrees", at_least=-90, at_most=60),
            Column("retries", "int", nullable=True, at_least=0),
        ),
        event_time="at",
        key="reading_id",
    ),
    Location("data/*"),
)


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    workspace = open_workspace(tmp_path, settings_for(tmp_path, {}, {}), ManualClock(NOON))
    yield workspace
    workspace.close()


@pytest.fixture
def readings() -> SourceSpec:
    return READINGS


@pytest.fixture
def lenient() -> SourceSpec:
    """The same source, which accepts a snapshot however many rows are bad, as long as one is good."""
    return replace(READINGS, tolerate=1.0)


Row = dict[str, Any]


@pytest.fixture
def row() -> Callable[..., Row]:
    """A good row; every call gives the next one, a second later, and takes what is to be different."""
    made = 0

    def make(**different: Any) -> Row:
        nonlocal made
        made += 1
        good = {"reading_id": f"r{made}", "station": "oslo", "at": NOON - 86_400_000_000 + made * 1_000_000,
                "celsius": 20.5, "retries": 0}  # fmt: skip
        return good | different

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Sequence[Row]], Path]:
    """Write rows (times in microseconds) as `data/NAME`, Parquet with real timestamps."""

    def to_file(name: str, rows: Sequence[Row]) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True)
        names = list(rows[0]) if rows else ["reading_id", "station", "at", "celsius", "retries"]
        kinds = {"at": pa.timestamp("us", tz="UTC"), "ingested_at": pa.timestamp("us", tz="UTC"),
                 "celsius": pa.float64(), "retries": pa.int64()}  # fmt: skip
        schema = pa.schema([(one, kinds.get(one, pa.string())) for one in names])
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
        return path

    return to_file
