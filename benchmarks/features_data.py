"""The rows and requests that feature benchmarks work on: written once, read by every side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.schema import Column
from noria.data.model import INGESTED_AT, Part
from noria.features.model import FeatureSpec, InputSet, ViewInput, ViewSpec
from noria.workspace.workspace import Workspace

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
START = 1_700_000_000_000_000
SPREAD = 30 * DAY
TTL = 10 * DAY
VALUES = tuple(f"v{number}" for number in range(10))
COLUMNS = (Column("entity", "int"), Column("at", "time"), *(Column(name, "float") for name in VALUES))
REQUEST = (Column("id", "int"), Column("entity", "int"), Column("asked_at", "time"))
LATEST = ViewSpec(
    "Latest", "Values", ("entity",), "at",
    tuple(FeatureSpec(name, "latest", name, ttl=TTL) for name in VALUES), COLUMNS,
)  # fmt: skip
WINDOWS = ViewSpec(
    "Windows", "Values", ("entity",), "at",
    tuple(
        FeatureSpec(f"{kind}_{name}", kind, column, window=window, dtype="int" if kind == "count" else "float")  # type: ignore[arg-type]
        for name, window in (("1h", HOUR), ("1d", DAY), ("7d", 7 * DAY))
        for kind, column in (("count", None), ("sum", "v0"), ("max", "v1"))
    ),
    COLUMNS,
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """Rows (entity, at, v0 … v9, ingested_at) and requests (id, entity, asked_at), times in microseconds."""

    rows: pa.Table
    requests: pa.Table


def tables(entities: int, *, rows: int = 1_000_000, requests: int = 100_000, seed: int = 7) -> Tables:
    """Rows spread evenly over thirty days, one in ten known up to half an hour late; requests in the same days.

    No two rows of an entity happened at the same moment, so that every side has one answer.
    """
    draw = np.random.default_rng(seed)
    entity = draw.integers(0, entities, rows)
    moments = START + np.sort(draw.choice(SPREAD, rows, replace=False, shuffle=False))
    columns = {"entity": entity, "at": moments, **{name: draw.normal(size=rows) for name in VALUES}}
    asked = {
        "id": np.arange(requests),
        "entity": draw.integers(0, entities, requests),
        "asked_at": START + np.sort(draw.integers(0, SPREAD, requests)),
    }
    return Tables(pa.table({**columns, INGESTED_AT: moments}), pa.table({**asked, INGESTED_AT: asked["asked_at"]}))


def late(rows: pa.Table, *, share: float = 0.1, seed: int = 8) -> pa.Table:
    """The same rows, a share of them known up to half an hour after they happened."""
    draw = np.random.default_rng(seed)
    moments = rows["at"].to_numpy()
    known = moments + np.where(draw.random(len(moments)) < share, draw.integers(0, 30 * MINUTE, len(moments)), 0)
    return rows.set_column(rows.column_names.index(INGESTED_AT), INGESTED_AT, pa.array(known))


def part(ws: Workspace, table: pa.Table, event_time: str) -> Part:
    """A table as the data folder leaves it."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    times = table[event_time].to_numpy()
    digest = ws.blobs.put(sink.getvalue().to_pybytes())
    return Part(
        "part", digest, len(times), int(times.min()), int(times.max()), int(table[INGESTED_AT].to_numpy().max())
    )


def inputs(view: ViewSpec) -> InputSet:
    """One view, looked up by the request's entity."""
    return InputSet("Request", "id", "asked_at", REQUEST, (view,), (ViewInput(view.name, view.entities),))


def as_timestamps(table: pa.Table, *names: str) -> pa.Table:
    """The table with those columns as UTC timestamps, as other tools want them."""
    for name in names:
        column = table[name].cast(pa.timestamp("us", tz="UTC"))
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def write(folder: Path, made: Tables) -> None:
    """Both tables as Parquet with timestamps, for the other sides."""
    pq.write_table(as_timestamps(made.rows.drop_columns([INGESTED_AT]), "at"), folder / "rows.parquet")
    pq.write_table(as_timestamps(made.requests.drop_columns([INGESTED_AT]), "asked_at"), folder / "requests.parquet")
