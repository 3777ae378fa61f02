"""Many rows answered by `predict_table` with features as known at each row's moment, killed and resumed on the way.

`python benchmarks/batch_predict.py --rows 10000000 --kills 3` prints the rate, the largest memory of any of the
processes, how many chunks each kill left, and how far answers are from a server's that is asked a sample of the rows
at the same moments. It fails when a row is lost or doubled, an answer is off by more than 1e-9, or memory exceeds
`--memory` MB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "serving"))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tiny_airline import FUNCTIONS, HOUR, INPUTS, MODEL, MODELS, START, add_version

from noria.config.settings import settings_for
from noria.core.clock import ManualClock, monotonic, to_micros
from noria.core.schema import Schema
from noria.data.model import Location, SourceSpec
from noria.serving.batch.model import Asked
from noria.serving.batch.operations import predict_table
from noria.serving.data_plane import DataPlane
from noria.serving.model import Request
from noria.workspace.workspace import Workspace, open_workspace

DAYS = 28
BEGIN = START - DAYS * 24 * HOUR
_KEYS = {"Departure": None, "Arrival": "flight_id", "Weather": None}
_TIMES = {view.source: view.event_time for view in INPUTS.views}
_SLICE = 200_000


@dataclass(frozen=True)
class Found:
    """What a proof came to."""

    seconds: float
    memory: float
    chunks_before_kills: list[int]
    rows: int
    distinct: int
    sample: int
    off: float


def main() -> None:
    given = _options()
    if given.child:
        _predict(Path(given.child), given.chunk, given.features)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = prove(Path(folder), given.rows, given.kills, given.chunk, given.sample, given.features)
    print(f"{found.rows:,} rows in {found.seconds:.0f} s, {found.rows / found.seconds:,.0f} a second, "
          f"{found.memory:.0f} MB at most")  # fmt: skip
    print(f"killed {len(found.chunks_before_kills)} times, after chunks {found.chunks_before_kills}")
    print(f"{found.distinct:,} different keys; {found.sample} rows asked of a server: off by {found.off:.1e}")
    good = found.rows == found.distinct == given.rows and found.off <= 1e-9 and found.memory <= given.memory
    sys.exit(0 if good else 1)


def prove(folder: Path, rows: int, kills: int, chunk: int, sample: int, features: str = "history") -> Found:
    """Answer `rows` rows in `folder`, with `kills` processes killed on the way."""
    history = _history(folder)
    _requests(folder / "asked.parquet", rows)
    with _closing(folder) as ws:
        add_version(ws, promoted=True)
    command = [sys.executable, __file__, "--child", str(folder), "--chunk", str(chunk), "--features", features]
    chunks, memory, began, done = -(-rows // chunk), 0.0, monotonic(), []
    for kill in range(kills + 1):
        last = None if kill == kills else chunks * (kill + 1) // (kills + 1)
        answered, most = _until(command, last)
        memory = max(memory, most)
        done += [] if last is None else [answered]
    seconds = monotonic() - began
    table = pq.read_table(folder / "answers.parquet", columns=["flight_id", "prediction"])
    distinct = len(table["flight_id"].unique()) if not table["prediction"].null_count else 0
    off = _off(folder, history, sample)
    return Found(seconds, memory, done, table.num_rows, distinct, sample, off)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--kills", type=int, default=3)
    options.add_argument("--chunk", type=int, default=100_000)
    options.add_argument("--sample", type=int, default=500)
    options.add_argument("--memory", type=float, default=1000)
    options.add_argument("--features", default="history")
    options.add_argument("--child", help=argparse.SUPPRESS)
    return options.parse_args()


def _predict(root: Path, chunk: int, features: Any) -> None:
    sources = [
        SourceSpec(
            view.source,
            Schema(view.columns, event_time=view.event_time, key=_KEYS[view.source]),
            Location(path=f"history/{view.source}.parquet"),
        )
        for view in {view.source: view for view in INPUTS.views}.values()
    ]
    asked = Asked(MODEL, str(root / "asked.parquet"), str(root / "answers.parquet"), lookup=features, rows=chunk)
    with _closing(root) as ws:
        predict_table(ws, asked, sources, FUNCTIONS, watch=lambda done, _: print(done // chunk, flush=True))


def _until(command: list[str], chunks: int | None) -> tuple[int, float]:
    """Run until so many chunks are done and kill it, or to its end; gives the chunks and the largest memory in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    answered = 0
    for line in process.stdout:
        answered = int(line)
        if chunks is not None and answered >= chunks:
            process.kill()
            break
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert chunks is not None or process.returncode == 0, "it did not come to its end"
    process.stdout.close()
    return answered, usage.ru_maxrss / 1024


def _history(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """A month of events, written as the sources have them; and as rows."""
    draw = random.Random(5)
    origins, carriers, planes = ("JFK", "EWR", "LGA"), ("UA", "AA"), ("N1", "N2", "N3")
    moments = range(BEGIN - 24 * HOUR, START, HOUR // 30)
    rows: dict[str, list[dict[str, Any]]] = {"Departure": [], "Arrival": [], "Weather": []}
    for at in moments:
        origin = draw.choice(origins)
        rows["Departure"].append({"origin": origin, "left_at": at, "delay": draw.gauss(12, 20)})
        rows["Arrival"].append(
            {"flight_id": f"A{at}", "carrier": draw.choice(carriers), "tailnum": draw.choice(planes), "landed_at": at,
             "delay": draw.gauss(9, 20)}
        )  # fmt: skip
        rows["Weather"].append(
            {"origin": origin, "observed_at": at, "visibility": draw.uniform(0, 10), "wind_speed": draw.uniform(0, 30)}
        )
    (folder / "history").mkdir()
    for source, some in rows.items():
        table = pa.Table.from_pylist(some)
        place = table.column_names.index(_TIMES[source])
        moment = table[_TIMES[source]].cast(pa.timestamp("us"))
        pq.write_table(table.set_column(place, _TIMES[source], moment), folder / "history" / f"{source}.parquet")
    return rows


def _requests(path: Path, rows: int) -> None:
    draw = np.random.default_rng(11)
    step = DAYS * 24 * HOUR // rows
    writer = None
    for first in range(0, rows, _SLICE):
        numbers = np.arange(first, min(first + _SLICE, rows))
        at = BEGIN + numbers * step + draw.integers(0, max(step, 1), len(numbers))
        table = pa.table(
            {
                "flight_id": pa.array([f"F{number}" for number in numbers]),
                "origin": draw.choice(["JFK", "EWR", "LGA"], len(numbers)),
                "dest": draw.choice(["BOS", "ORD", "SFO"], len(numbers)),
                "carrier": draw.choice(["UA", "AA"], len(numbers)),
                "tailnum": draw.choice(["N1", "N2", "N9"], len(numbers)),
                "departs": pa.array(at + HOUR, pa.timestamp("us")),
                "distance": draw.uniform(100, 2500, len(numbers)),
                "asked_at": pa.array(at, pa.timestamp("us")),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def _off(folder: Path, history: dict[str, list[dict[str, Any]]], sample: int) -> float:
    """How far the answers are from those of a server that lives through the same month."""
    asked = pq.ParquetFile(folder / "asked.parquet")
    answers = pq.ParquetFile(folder / "answers.parquet")
    chosen = sorted(random.Random(2).sample(range(asked.metadata.num_rows), sample))
    rows = [row for table in _rows_at(asked, chosen) for row in table.to_pylist()]
    batch = [row["prediction"] for table in _rows_at(answers, chosen) for row in table.to_pylist()]
    return max(abs(one - other) for one, other in zip(batch, asyncio.run(_online(folder, history, rows)), strict=True))


def _rows_at(file: pq.ParquetFile, chosen: list[int]) -> Iterator[pa.Table]:
    first = 0
    for part in file.iter_batches(_SLICE):
        here = [one - first for one in chosen if first <= one < first + part.num_rows]
        first += part.num_rows
        yield pa.Table.from_batches([part]).take(pa.array(here, pa.int64()))


async def _online(folder: Path, history: dict[str, list[dict[str, Any]]], rows: list[dict[str, Any]]) -> list[float]:
    found = []
    with _closing(folder, BEGIN) as ws:
        plane = DataPlane(ws, MODELS, FUNCTIONS, replay=True)
        plane.refresh()
        for row in rows:
            at = to_micros(row["asked_at"])
            for source, events in history.items():
                known = next((number for number, one in enumerate(events) if one[_TIMES[source]] > at), len(events))
                if known:
                    plane.online.ingest(source, events[:known], now=at)
                    del events[:known]
            sent = {**row, "asked_at": at, "departs": to_micros(row["departs"])}
            request = Request("POST", "/predict", {"noria-time": str(at)}, json.dumps(sent).encode())
            answer = await plane.app.handle(request)
            found.append(json.loads(answer.body)["predictions"][0]["output"])
        plane.close()
    return found


@contextmanager
def _closing(root: Path, now: int = START) -> Iterator[Workspace]:
    ws = open_workspace(root, settings_for(root, {}, {}), ManualClock(now))
    try:
        yield ws
    finally:
        ws.close()


if __name__ == "__main__":
    main()
