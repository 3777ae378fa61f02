"""The small airline with its history in files, flights to be asked about, and batch prediction in a process."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny_airline import FUNCTIONS, HOUR, INPUTS, MODEL, START, flight, workspace

from noria.core.schema import Schema
from noria.data.model import Location, SourceSpec
from noria.serving.batch.model import Answered, Asked
from noria.serving.batch.operations import predict_table
from noria.workspace.workspace import Workspace

MINUTE = HOUR // 60
_KEYS = {"Departure": None, "Arrival": "flight_id", "Weather": None}


@dataclass(frozen=True)
class Airline:
    """History by source, and where it lies."""

    ws: Workspace
    root: Path
    history: dict[str, list[dict[str, Any]]]
    sources: list[SourceSpec]

    def predict(self, source: object, target: str, **more: Any) -> Answered:
        options = {name: more.pop(name) for name in ("fresh", "replace", "watch", "on", "memory") if name in more}
        asked = Asked(MODEL, str(source), str(self.root / target) if ":" not in target else target, **more)
        return predict_table(self.ws, asked, self.sources, FUNCTIONS, **options)

    def tables(self) -> dict[str, pa.Table]:
        """History as a server is filled with it."""
        times = {view.source: view.event_time for view in INPUTS.views}
        tables = {source: pa.Table.from_pylist(rows) for source, rows in self.history.items()}
        return {source: table.append_column("ingested_at", table[times[source]]) for source, table in tables.items()}

    def write(self, name: str, rows: list[dict[str, Any]], **options: Any) -> Path:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path, **options)
        return path


def asked_flights(number: int, *, seed: int = 1) -> list[dict[str, Any]]:
    """Flights asked about within two hours of the opening, in the order of their moments."""
    draw = random.Random(seed)
    moments = sorted(START + draw.randrange(1, 2 * HOUR) for _ in range(number))
    return [
        {**flight(one, tailnum=draw.choice([None, "N1", "N2"])), "asked_at": at, "departs": at + HOUR}
        for one, at in enumerate(moments)
    ]


def made(ws: Workspace, root: Path) -> Airline:
    """Write two days of history."""
    draw = random.Random(7)
    moments = range(START - 48 * HOUR, START, 11 * MINUTE)
    origins, carriers = ("JFK", "EWR", "LGA"), ("UA", "AA")
    history: dict[str, list[dict[str, Any]]] = {
        "Departure": [{"origin": draw.choice(origins), "left_at": at, "delay": draw.gauss(12, 20)} for at in moments],
        "Arrival": [
            {"flight_id": f"A{at}", "carrier": draw.choice(carriers), "tailnum": draw.choice(["N1", "N2", "N3"]),
             "landed_at": at, "delay": draw.gauss(9, 20)}
            for at in moments
        ],
        "Weather": [
            {"origin": draw.choice(origins), "observed_at": at, "visibility": draw.uniform(0, 10),
             "wind_speed": draw.choice([None, 4.5])}
            for at in moments
        ],
    }  # fmt: skip
    sources = []
    for view in {view.source: view for view in INPUTS.views}.values():
        path = root / "history" / f"{view.source}.parquet"
        path.parent.mkdir(exist_ok=True)
        rows = pa.Table.from_pylist(history[view.source])
        place = rows.column_names.index(view.event_time)
        timed = rows.set_column(place, view.event_time, rows[view.event_time].cast(pa.timestamp("us")))
        pq.write_table(timed, path)
        schema = Schema(view.columns, event_time=view.event_time, key=_KEYS[view.source])
        sources.append(SourceSpec(view.source, schema, Location(path=f"history/{view.source}.parquet")))
    return Airline(ws, root, history, sources)


def main() -> None:
    """`batch_airline.py ROOT INPUT OUTPUT ROWS [ray]`: predict there, saying how many rows are done."""
    root, source, target, rows, *on = sys.argv[1:]
    airline = Airline(workspace(Path(root)), Path(root), {}, [])

    def say(done: int, _: int | None) -> None:
        print(done, flush=True)

    airline.predict(source, target, rows=int(rows), watch=say, on=on[0] if on else "here")


def given(number: int, *, seed: int = 3) -> list[dict[str, Any]]:
    """Rows that bring every looked-up feature along."""
    draw = random.Random(seed)
    names = [(f"{view.name}.{one.name}", one.dtype) for view in INPUTS.views for one in view.features]
    make: dict[str, Callable[[], Any]] = {"int": lambda: draw.randrange(30), "float": lambda: draw.uniform(0, 40)}
    return [
        {**one, **{name: make[kind]() if name != "Aircraft.last_delay" else None for name, kind in names}}
        for one in asked_flights(number, seed=seed)
    ]


if __name__ == "__main__":
    main()
