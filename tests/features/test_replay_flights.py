"""20,000 real flights in time order: what the online store answers is what the backfill computes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sensors import DAY, HOUR, MINUTE, part_of

from noria.core.clock import parse_moment
from noria.core.schema import Column
from noria.features.model import (
    ColumnInput,
    FeatureSpec,
    FunctionInput,
    InputSet,
    Predicate,
    ViewInput,
    ViewSpec,
    input_columns,
)
from noria.features.online.features import OnlineFeatures
from noria.features.operations import build_part, load_features
from noria.features.vector import Vectorizer
from noria.project.examples.flights_data import write_flights
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.testing.feature_answers import same
from noria.workspace.workspace import Workspace

SCHEDULED = tuple(Column(name, "string") for name in ("flight_id", "origin", "dest", "carrier"))
FLIGHT = (*SCHEDULED, Column("tailnum", "string", nullable=True), Column("departs", "time"), Column("asked_at", "time"))
DEPARTURE = (Column("origin", "string"), Column("left_at", "time"), Column("delay", "float"))
ARRIVAL = (
    Column("carrier", "string"),
    Column("tailnum", "string"),
    Column("landed_at", "time"),
    Column("delay", "float"),
)
SPEED, SIGHT = Column("wind_speed", "float", nullable=True), Column("visibility", "float")
WEATHER = (Column("origin", "string"), Column("observed_at", "time"), SIGHT, SPEED)
LATE = Predicate("delay", ">", 15)


def means(*hours: int) -> tuple[FeatureSpec, ...]:
    return tuple(FeatureSpec(f"mean_delay_{number}h", "mean", "delay", window=number * HOUR) for number in hours)


AIRPORT = ViewSpec(
    "Airport", "Departure", ("origin",), "left_at",
    (*means(1, 3, 24), FeatureSpec("departures", "count", window=HOUR, dtype="int")), DEPARTURE,
)  # fmt: skip
CARRIER = ViewSpec(
    "Carrier", "Arrival", ("carrier",), "landed_at",
    (
        FeatureSpec("late_share_24h", "share", window=DAY, predicate=LATE),
        FeatureSpec("late_share_7d", "share", window=7 * DAY, predicate=LATE),
        FeatureSpec("worst_30d", "max", "delay", window=30 * DAY),
    ),
    ARRIVAL,
)  # fmt: skip
AIRCRAFT = ViewSpec(
    "Aircraft",
    "Arrival",
    ("tailnum",),
    "landed_at",
    (FeatureSpec("last_delay", "latest", "delay", ttl=6 * HOUR),),
    ARRIVAL,
)
SKY = ViewSpec(
    "Sky", "Weather", ("origin",), "observed_at",
    tuple(FeatureSpec(name, "latest", name, ttl=2 * HOUR) for name in ("visibility", "wind_speed")), WEATHER,
)  # fmt: skip
INPUTS = InputSet(
    "Flight", "flight_id", "asked_at", FLIGHT, (AIRPORT, CARRIER, AIRCRAFT, SKY),
    (
        ViewInput("Airport", ("origin",)), ViewInput("Carrier", ("carrier",)), ViewInput("Aircraft", ("tailnum",)),
        ViewInput("Sky", ("origin",)), FunctionInput("hour_of_day", "flights:hour_of_day", ("departs",), "int"),
        ColumnInput("dest", "string"),
    ),
)  # fmt: skip


def hour_of_day(departs: datetime) -> int:
    return departs.hour


FUNCTIONS = {"flights:hour_of_day": hour_of_day}


TIMES = {"Flight": "asked_at", "Departure": "left_at", "Arrival": "landed_at", "Weather": "observed_at"}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """January to March."""
    return tables_of(tmp_path_factory.mktemp("flights"), [1, 2, 3])


def tables_of(folder: Path, months: list[int]) -> dict[str, pa.Table]:
    """The rows of some months, by source; one arrival in ten is reported up to three hours late."""
    write_flights(folder, months=months)
    tables = {
        name: in_micros(pq.read_table(folder / f"{name.lower()}s".replace("weathers", "weather"))) for name in TIMES
    }
    for name, table in tables.items():
        late = [number * 37 % 180 if name == "Arrival" and number % 10 == 0 else 0 for number in range(len(table))]
        known = table[TIMES[name]].to_numpy() + np.array(late, np.int64) * MINUTE
        tables[name] = table.append_column("ingested_at", pa.array(known))
    return tables


def in_micros(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(
                place, field.name, table[field.name].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
            )
    return table


SOURCES = {"Departure": DEPARTURE, "Arrival": ARRIVAL, "Weather": WEATHER}


def between(table: pa.Table, column: str, since: int, until: int) -> pa.Table:
    times = table[column].to_numpy()
    return table.filter(pa.array((times >= since) & (times < until)))


def test_twenty_thousand_flights_online_and_offline(ws: Workspace, tmp_path: Path, year: dict[str, pa.Table]) -> None:
    expected, found = both(ws, tmp_path, year, parse_moment("2013-02-01T05:00"), 20_000)
    assert expected.num_rows == 20_000
    assert differences(expected, found) == []
    for column in input_columns(INPUTS):
        there = sum(row[column.name] is not None for row in found)
        assert there > 4_000, f"{column.name} is mostly null: that shows little"


def both(
    ws: Workspace, folder: Path, year: dict[str, pa.Table], start: int, most: int
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """What the backfill computes for flights from `start` on, and what the online store answers."""
    flights = between(year["Flight"], "asked_at", start, 2**62)
    flights = flights.sort_by([("asked_at", "ascending"), ("flight_id", "ascending")]).slice(0, most)
    sources = {name: [part_of(ws, year[name], TIMES[name])] for name in SOURCES}
    expected = load_features(ws, [build_part(ws, INPUTS, part_of(ws, flights, "asked_at"), sources, FUNCTIONS)])
    online = OnlineFeatures(INPUTS.views, LmdbOnlineStore(folder / "store"), folder / "spool")
    assert expected["flight_id"].to_pylist() == flights["flight_id"].to_pylist()
    return expected, replay(online, year, flights, start)


def differences(expected: pa.Table, found: list[dict[str, Any]]) -> list[str]:
    """Where they differ: means by more than 1e-9 of themselves, everything else at all."""
    return [
        f"{column.name} of flight {number}: {want!r} but {row[column.name]!r}"
        for column in input_columns(INPUTS)
        for number, (want, row) in enumerate(zip(expected[column.name].to_pylist(), found, strict=True))
        if not same(want, row[column.name])
    ]


def replay(online: OnlineFeatures, year: dict[str, pa.Table], flights: pa.Table, start: int) -> list[dict[str, Any]]:
    """January comes as history, the rest as events; everything is sent twice, as by a sender that is not sure."""
    events = []
    history = {}
    for name in ("Departure", "Arrival", "Weather"):
        history[name] = between(year[name], "ingested_at", 0, start)
        later = between(year[name], "ingested_at", start, 2**62).sort_by("ingested_at")
        later = later.select([*(column.name for column in SOURCES[name]), "ingested_at"]).to_pylist()
        events += [(row["ingested_at"], name, number, row) for number, row in enumerate(later)]
    assert online.backfill(history) > 0
    events.sort(key=lambda event: event[0])
    vectorizer, found, sent = Vectorizer(INPUTS, online, FUNCTIONS), [], 0
    names = [column.name for column in FLIGHT]
    for flight in flights.select(names).to_pylist():
        while sent < len(events) and events[sent][0] <= flight["asked_at"]:
            _, name, number, row = events[sent]
            assert online.ingest(name, [row], stream=name, position=number) == 1
            assert sent % 100 or online.ingest(name, [row], stream=name, position=number) == 0
            sent += 1
        row = vectorizer.read(flight, flight["asked_at"])
        found.append(vectorizer.vector(row, flight["asked_at"]))
    online.close()
    return found
