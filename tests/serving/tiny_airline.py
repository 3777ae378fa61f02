"""A small airline: one model, its features, versions of it; and a server process when run as a script."""

from __future__ import annotations

import sys
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

import noria.registry.tables
import noria.serving.tables  # noqa: F401
from noria.config.settings import settings_for
from noria.core.clock import ManualClock, parse_moment
from noria.core.schema import Column
from noria.features.model import ColumnInput, FeatureSpec, FunctionInput, InputSet, Predicate, ViewInput, ViewSpec
from noria.optimization.model import Package
from noria.optimization.operations import package, save_package
from noria.registry.model import Lineage, Version
from noria.registry.operations import promote, register
from noria.serving.engines import HttpOptions
from noria.serving.http.tls import Tls
from noria.serving.model import ServedModel
from noria.serving.running import run_data_plane
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace, open_workspace

HOUR = 3_600_000_000
START = parse_moment("2026-11-01T12:00:00")
MODEL = "lateness"


def hour_of_day(departs: datetime) -> int:
    return departs.hour


def _mean(column: str, hours: int) -> FeatureSpec:
    return FeatureSpec(f"mean_{column}_{hours}h", "mean", column, window=hours * HOUR)


_AIRPORT = ViewSpec(
    "Airport",
    "Departure",
    ("origin",),
    "left_at",
    (
        _mean("delay", 1),
        _mean("delay", 3),
        _mean("delay", 24),
        FeatureSpec("departures", "count", window=HOUR, dtype="int"),
    ),
    (Column("origin", "string"), Column("left_at", "time"), Column("delay", "float", at_least=-120, at_most=2880)),
)
_ARRIVAL = (
    Column("flight_id", "string"),
    Column("carrier", "string"),
    Column("tailnum", "string"),
    Column("landed_at", "time"),
    Column("delay", "float"),
)
_LATE = Predicate("delay", ">", 15)
_CARRIER = ViewSpec(
    "Carrier",
    "Arrival",
    ("carrier",),
    "landed_at",
    (
        FeatureSpec("late_share_24h", "share", window=24 * HOUR, predicate=_LATE),
        FeatureSpec("late_share_7d", "share", window=168 * HOUR, predicate=_LATE),
    ),
    _ARRIVAL,
)
_AIRCRAFT = ViewSpec(
    "Aircraft",
    "Arrival",
    ("tailnum",),
    "landed_at",
    (FeatureSpec("last_delay", "latest", "delay", ttl=6 * HOUR),),
    _ARRIVAL,
)
_SKY = ViewSpec(
    "Sky",
    "Weather",
    ("origin",),
    "observed_at",
    (
        FeatureSpec("visibility", "latest", "visibility", ttl=2 * HOUR),
        FeatureSpec("wind_speed", "latest", "wind_speed", ttl=2 * HOUR),
    ),
    (
        Column("origin", "string"),
        Column("observed_at", "time"),
        Column("visibility", "float"),
        Column("wind_speed", "float", nullable=True),
    ),
)
INPUTS = InputSet(
    source="Flight",
    key="flight_id",
    asked_at="asked_at",
    request=(
        Column("flight_id", "string"),
        Column("origin", "string"),
        Column("dest", "string"),
        Column("carrier", "string"),
        Column("tailnum", "string", nullable=True),
        Column("departs", "time"),
        Column("distance", "float", at_least=0),
        Column("asked_at", "time"),
    ),
    views=(_AIRPORT, _CARRIER, _AIRCRAFT, _SKY),
    inputs=(
        ViewInput("Airport", ("origin",)),
        ViewInput("Carrier", ("carrier",)),
        ViewInput("Aircraft", ("tailnum",)),
        ViewInput("Sky", ("origin",)),
        FunctionInput("hour_of_day", "tiny_airline:hour_of_day", ("departs",), "int"),
        ColumnInput("origin", "string"),
        ColumnInput("dest", "string"),
        ColumnInput("carrier", "string"),
        ColumnInput("distance", "float"),
    ),
)
FUNCTIONS = {"tiny_airline:hour_of_day": hour_of_day}
MODELS = {MODEL: ServedModel(INPUTS)}


def flight(number: int = 1, **changes: object) -> dict[str, object]:
    """A request as a client sends it."""
    row = {
        "flight_id": f"UA{number}",
        "origin": ("JFK", "EWR", "LGA")[number % 3],
        "dest": "BOS",
        "carrier": ("UA", "AA")[number % 2],
        "tailnum": None,
        "departs": "2026-11-01T14:00:00",
        "distance": 187.0 + number % 50,
        "asked_at": "2026-11-01T12:00:00",
    }
    return {**row, **changes}


def workspace(root: Path) -> Workspace:
    return open_workspace(root, settings_for(root, {}, {}), ManualClock(START))


def add_version(ws: Workspace, seed: int = 0, *, promoted: bool = False) -> Version:
    """Register one more version."""
    made, blobs = packaged(seed)
    for blob in blobs:
        ws.blobs.put(blob)
    version = register(
        ws, model=MODEL, package=made, package_digest=save_package(ws, made), profile=None,
        evaluation=Evaluation(600, 0, 1, {}, {}), gates=GateSheet(()),
        lineage=Lineage(f"run_{seed}", {}, {}, {}, {}, {}, "", seed), stage="candidate", idempotency=f"seed {seed}",
    )  # fmt: skip
    return promote(ws, MODEL, version.number, reason="test") if promoted else version


@cache
def packaged(seed: int) -> tuple[Package, list[bytes]]:
    """A trained and packaged model, once a process for each seed, with the blobs it is made of."""
    rng = np.random.default_rng(seed)
    rows = 600
    frame = pd.DataFrame(
        {
            "Airport.mean_delay_1h": rng.normal(10, 20, rows),
            "Airport.mean_delay_3h": rng.normal(10, 20, rows),
            "Airport.mean_delay_24h": rng.normal(10, 20, rows),
            "Airport.departures": rng.integers(0, 30, rows),
            "Carrier.late_share_24h": rng.random(rows),
            "Carrier.late_share_7d": rng.random(rows),
            "Aircraft.last_delay": np.where(rng.random(rows) < 0.5, np.nan, rng.normal(5, 30, rows)),
            "Sky.visibility": rng.uniform(0, 10, rows),
            "Sky.wind_speed": rng.uniform(0, 40, rows),
            "hour_of_day": rng.integers(0, 24, rows),
            "origin": rng.choice(["JFK", "EWR", "LGA"], rows),
            "dest": rng.choice(["BOS", "ORD", "SFO"], rows),
            "carrier": rng.choice(["UA", "AA"], rows),
            "distance": rng.uniform(100, 2500, rows),
        }
    )
    late = (frame["Airport.mean_delay_1h"] + frame["hour_of_day"] + rng.normal(0, 10, rows) > 25).astype(int)
    names = make_column_transformer((TargetEncoder(), ["origin", "dest", "carrier"]), remainder="passthrough")
    model = make_pipeline(names, HistGradientBoostingClassifier(max_iter=30, random_state=seed)).fit(frame, late)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with TemporaryDirectory() as folder:
        ws = workspace(Path(folder))
        made = package(
            ws, model=model, inputs=INPUTS, label="late", task="classification", table=table,
            prediction=model.predict_proba(frame)[:, 1],
        )  # fmt: skip
        blobs = [ws.blobs.get(digest) for digest in ws.blobs.digests()]
        ws.close()
    return made, blobs


def main() -> None:
    """`tiny_airline.py ROOT [replay] [access] [port=N] [grpc=N] [engine=NAME] [tls=PEM]`: serve, and print the URL."""
    ws = workspace(Path(sys.argv[1]))
    said = dict(word.partition("=")[::2] for word in sys.argv[2:])
    tls = Tls(Path(said["tls"]), Path(said["tls"])) if "tls" in said else None
    http = HttpOptions(said.get("engine", "noria"), tls=tls, access_log="access" in said)  # type: ignore[arg-type]
    grpc_port = int(said["grpc"]) if "grpc" in said else None
    run_data_plane(
        ws, MODELS, FUNCTIONS, port=int(said.get("port", 0)), grpc_port=grpc_port, replay="replay" in said, http=http,
        on_ready=lambda url: print(url, flush=True),
    )  # fmt: skip
    ws.close()


if __name__ == "__main__":
    main()
