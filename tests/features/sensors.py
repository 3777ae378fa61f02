"""A small world for feature tests: readings of sensors, a view with every kind of feature, and parts of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.core.schema import Column
from noria.data.model import INGESTED_AT, Part
from noria.features.model import ColumnInput, FeatureSpec, FunctionInput, InputSet, Predicate, ViewInput, ViewSpec
from noria.features.operations import build_part, load_features
from noria.workspace.workspace import Workspace, open_workspace

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

READING = (
    Column("sensor", "string", nullable=True),
    Column("read_at", "time"),
    Column("heat", "float", nullable=True),
    Column("ticks", "int", nullable=True),
    Column("mood", "string", nullable=True),
)
WARM = Predicate("heat", ">", 2.25)
CALM = Predicate("mood", "!=", "it's bad")
EVERY_KIND = ViewSpec(
    "Sensor",
    "Reading",
    ("sensor",),
    "read_at",
    (
        FeatureSpec("rows_1h", "count", window=HOUR, dtype="int"),
        FeatureSpec("rows_24h", "count", window=DAY, dtype="int"),
        FeatureSpec("rows_13d", "count", window=13 * DAY, dtype="int"),
        FeatureSpec("rows_7min", "count", window=7 * MINUTE, dtype="int"),
        FeatureSpec("heats_1h", "count", "heat", window=HOUR, dtype="int"),
        FeatureSpec("mean_heat_1h", "mean", "heat", window=HOUR),
        FeatureSpec("mean_heat_24h", "mean", "heat", window=DAY),
        FeatureSpec("sum_ticks_1h", "sum", "ticks", window=HOUR, dtype="int"),
        FeatureSpec("sum_heat_24h", "sum", "heat", window=DAY),
        FeatureSpec("coldest_1h", "min", "heat", window=HOUR),
        FeatureSpec("most_ticks_13d", "max", "ticks", window=13 * DAY, dtype="int"),
        FeatureSpec("warm_90min", "share", window=90 * MINUTE, predicate=WARM),
        FeatureSpec("calm_24h", "share", window=DAY, predicate=CALM),
        FeatureSpec("heat", "latest", "heat", ttl=6 * HOUR),
        FeatureSpec("mood", "latest", "mood", ttl=10 * MINUTE, dtype="string"),
        FeatureSpec("ticks", "latest", "ticks", ttl=3 * DAY, dtype="int"),
    ),
    READING,
)
QUESTION = (Column("id", "string"), Column("sensor", "string", nullable=True), Column("asked_at", "time"))
INPUTS = InputSet("Question", "id", "asked_at", QUESTION, (EVERY_KIND,), (ViewInput("Sensor", ("sensor",)),))
WITH_FUNCTION = InputSet(
    "Question", "id", "asked_at", QUESTION, (EVERY_KIND,),
    (
        FunctionInput("hour", "sensors:hour", ("asked_at",), "int"),
        ViewInput("Sensor", ("sensor",)),
        ColumnInput("sensor", "string", nullable=True),
    ),
)  # fmt: skip


def workspace(path: Path, now: int = 60 * 365 * DAY) -> Workspace:
    return open_workspace(path, settings_for(path, {}, {}), ManualClock(now))


def reading(
    sensor: str | None,
    at: int,
    heat: float | None = 1.0,
    ticks: int | None = 1,
    mood: str | None = "fine",
    late: int = 0,
) -> dict[str, Any]:
    return {"sensor": sensor, "read_at": at, "heat": heat, "ticks": ticks, "mood": mood, INGESTED_AT: at + late}


def question(number: int, sensor: str | None, at: int) -> dict[str, Any]:
    return {"id": f"q{number:04d}", "sensor": sensor, "asked_at": at}


def part(
    ws: Workspace,
    columns: Sequence[Column],
    event_time: str,
    rows: Sequence[Mapping[str, Any]],
    as_of: int | None = None,
) -> Part:
    """Rows as the data folder leaves them: a Parquet blob with typed columns and `ingested_at`."""
    types = {"string": pa.string(), "float": pa.float64(), "bool": pa.bool_()}
    fields = [pa.field(column.name, types.get(column.dtype, pa.int64())) for column in columns]
    filled = [{INGESTED_AT: row[event_time], **row} for row in rows]
    table = pa.Table.from_pylist(filled, schema=pa.schema([*fields, pa.field(INGESTED_AT, pa.int64())]))
    return part_of(ws, table, event_time, as_of)


def part_of(ws: Workspace, table: pa.Table, event_time: str, as_of: int | None = None) -> Part:
    sorted_table = table.sort_by([(event_time, "ascending"), (INGESTED_AT, "ascending")])
    sink = pa.BufferOutputStream()
    pq.write_table(sorted_table, sink)
    times, known = sorted_table[event_time].to_pylist(), sorted_table[INGESTED_AT].to_pylist()
    digest = ws.blobs.put(sink.getvalue().to_pybytes())
    return Part("part", digest, len(times), times[0], times[-1], max(known), as_of)


def offline(
    ws: Workspace, inputs: InputSet, asked: Part, sources: Mapping[str, Sequence[Part]]
) -> list[dict[str, Any]]:
    """Features of the questions of one part, as rows."""
    return load_features(ws, [build_part(ws, inputs, asked, sources, {"sensors:hour": hour})]).to_pylist()


def hour(asked_at: Any) -> int:
    return asked_at.hour
