"""Run by an interpreter with Feast: fills a repository with data, applies it, and asks it about the past.

`ask.py REPOSITORY` leaves `data/asked.parquet` (the entity rows), and what Feast answered about them by the
events' times alone (`data/by_event.parquet`) and by what had been created by then (`data/by_known.parquet`).
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from feast import FeatureStore
from feast.cli.cli import cli

START = pd.Timestamp("2024-03-30", tz="UTC")  # a day before clocks go forward in Europe
VIEWS = {
    "driver_hourly": ["conv_rate", "acc_rate", "trips_today", "status", "active", "last_seen"],
    "driver_short": ["conv_rate", "trips_today"],
    "driver_customer": ["amount", "class"],
    "zone_state": ["surge"],
}


def main(repository: Path) -> None:
    os.chdir(repository)
    fill(np.random.default_rng(11))
    sys.path.insert(0, str(repository))
    cli(["apply"], standalone_mode=False)
    os.environ["REGISTRY"] = str(repository / "in_database" / "registry.db")
    cli(["--feature-store-yaml", "in_database/feature_store.yaml", "apply"], standalone_mode=False)
    store = FeatureStore(str(repository))
    asked = pd.read_parquet("data/asked.parquet")
    features = [f"{view}:{name}" for view, names in VIEWS.items() for name in names]
    for file, known in (("by_event", False), ("by_known", True)):
        job = store.get_historical_features(
            asked.copy(), features, full_feature_names=True, filter_by_created_timestamp=known
        )
        job.to_df().sort_values("row").to_parquet(f"data/{file}.parquet")


def fill(random: np.random.Generator) -> None:
    Path("data").mkdir(exist_ok=True)
    trips = rows_of_drivers(random, 3000)
    trips.to_parquet("data/trips.parquet")
    pairs = rows_of_pairs(random, 800)
    pairs.to_parquet("data/pairs.parquet")
    zones = pd.DataFrame(
        {"zone": random.choice(["north", "süd", "(1,23)"], 60), "event_timestamp": moments(random, 60)}
    ).drop_duplicates(["zone", "event_timestamp"])
    zones["surge"] = random.normal(1.0, 1e9, len(zones))
    zones.to_parquet("data/zones.parquet")
    asked(random, trips, pairs).to_parquet("data/asked.parquet")


def moments(random: np.random.Generator, number: int) -> pd.DatetimeIndex:
    """Times to the microsecond within ten days; as pandas has them by default, in nanoseconds."""
    return START + pd.to_timedelta(random.integers(0, 10 * 86_400_000_000, number), unit="us")


def rows_of_drivers(random: np.random.Generator, number: int) -> pd.DataFrame:
    """Rows known at once, late ones, and corrections of a row under the same event time."""
    rows = pd.DataFrame({"driver_id": random.integers(1, 20, number), "event_timestamp": moments(random, number)})
    rows = pd.concat([rows, rows.sample(300, random_state=1)], ignore_index=True)
    late = np.where(random.random(len(rows)) < 0.2, random.integers(0, 20_000_000_000, len(rows)), 2_000_000)
    again = rows.duplicated(["driver_id", "event_timestamp"])
    late = late + np.where(again, 40_000_000_000 + np.arange(len(rows)), 0)  # a correction comes hours afterwards
    rows["created"] = (rows["event_timestamp"] + pd.to_timedelta(late, unit="us")).dt.tz_localize(None)
    rows["conv_rate"] = random.random(len(rows)).astype("float32")
    rows["acc_rate"] = np.where(random.random(len(rows)) < 0.1, np.nan, random.normal(0, 1e6, len(rows)))
    rows["trips_today"] = pd.array(random.integers(-(2**40), 2**40, len(rows)), dtype="Int64")
    rows.loc[random.random(len(rows)) < 0.1, "trips_today"] = pd.NA
    rows["status"] = random.choice(["free", "busy", "", None], len(rows))
    rows["active"] = random.random(len(rows)) < 0.5
    rows["last_seen"] = rows["event_timestamp"] - pd.Timedelta("1h")
    rows["tags"] = [["a", "b"]] * len(rows)
    return rows


def rows_of_pairs(random: np.random.Generator, number: int) -> pd.DataFrame:
    """Keys that look alike when they are joined as text: 1 and 23, 12 and 3."""
    chosen = random.integers(0, 4, number)
    pairs = pd.DataFrame(
        {
            "driver_id": np.array([1, 12, 1, 123])[chosen], "customer": np.array(["23", "3", "2", ""])[chosen],
            "ts": moments(random, number), "amt": random.normal(0, 10, number),
            "class": random.choice(["x", "y"], number),
        }
    )  # fmt: skip
    return pairs.drop_duplicates(["driver_id", "customer", "ts"])


def asked(random: np.random.Generator, trips: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Questions at random, at an event's very moment, just before, and where its time to live ends."""
    near = trips["event_timestamp"].sample(400, random_state=2)
    near = pd.concat(
        [near, near - pd.Timedelta("1us"), near + pd.Timedelta("90min"), near + pd.Timedelta("5400000001us")]
    )
    drivers = np.concatenate([trips.loc[near.index[:400], "driver_id"]] * 4)
    rest = 800
    chosen = pairs.sample(len(near) + rest, replace=True, random_state=3)
    rows = pd.DataFrame({"event_timestamp": pd.concat([pd.Series(near.array), pd.Series(moments(random, rest))])})
    rows["driver_id"] = np.concatenate([drivers, chosen["driver_id"].to_numpy()[:rest]])
    rows["customer"] = chosen["customer"].to_numpy()
    rows["zone"] = random.choice(["north", "süd", "(1,23)", "nowhere"], len(rows))
    rows = rows.reset_index(drop=True)
    return rows.assign(row=np.arange(len(rows)))


main(Path(sys.argv[1]).resolve())
