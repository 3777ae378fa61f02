"""Point-in-time joins beside Feast and bare DuckDB: `python benchmarks/features_offline.py [--quick] [--no-feast]`.

Ours is the whole operation `build_part`: from stored Parquet parts to a stored Parquet blob, one thread, the
median of five. The rivals read the same rows from a file: bare DuckDB one ASOF JOIN into an Arrow table, Feast
`get_historical_features` with its DuckDB store, once. What counts is CPU seconds. Every cell is compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TypeVar

import duckdb
import pyarrow.parquet as pq
from features_data import LATEST, TTL, VALUES, WINDOWS, Tables, inputs, late, part, tables, write

from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.features.operations import build_part, load_features
from noria.testing import rivals
from noria.workspace.workspace import Workspace, open_workspace

T = TypeVar("T")


@dataclass(frozen=True)
class Taken:
    """One line of the table: CPU and wall seconds for so many requests, and what was to be reached."""

    what: str
    cpu: float
    wall: float
    requests: int
    reach: float | None = None
    note: str = ""

    def line(self) -> str:
        """The line."""
        held = "" if self.reach is None else "yes" if self.cpu <= self.reach else "NO"
        reach = "" if self.reach is None else f"{self.reach:.2f}"
        speed = f"{self.requests / self.cpu:,.0f}"
        return (
            f"| {self.what:58} | {self.cpu:7.2f} | {self.wall:7.2f} | {speed:>10} | {reach:6} | {held:4} | {self.note}"
        )


def offline(*, quick: bool = False, feast: bool = True) -> list[Taken]:
    """Measure everything."""
    rows, requests = (50_000, 5_000) if quick else (1_000_000, 100_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ws = open_workspace(folder / "ws", settings_for(folder, {}, {}), ManualClock(2 * 10**15))
        try:
            made = tables(10_000, rows=rows, requests=requests)
            found = newest(ws, folder, made, feast=feast)
            for entities, reach in ((10_000, 5.0), (10, 6.0)):
                found.append(windows(ws, tables(entities, rows=rows, requests=requests), entities, reach))
            return found
        finally:
            ws.close()


def newest(ws: Workspace, folder: Path, made: Tables, *, feast: bool) -> list[Taken]:
    """Ten newest values, not older than ten days, beside bare DuckDB and Feast."""
    requests = made.requests.num_rows
    spine, values = part(ws, made.requests, "asked_at"), part(ws, made.rows, "at")
    blob, cpu, wall = measured(lambda: build_part(ws, inputs(LATEST), spine, {"Values": [values]}, {}))
    answers = folder / "ours.parquet"
    pq.write_table(load_features(ws, [blob]), answers)
    write(folder, made)
    found = [Taken("10 newest values, 10,000 keys", cpu, wall, requests, requests / 75_000)]
    connection = duckdb.connect(config={"threads": 1})
    query = asof(folder)
    table, cpu, wall = measured(lambda: connection.sql(query).to_arrow_table())
    pq.write_table(table, folder / "bare.parquet")
    differ = differing(connection, answers, folder / "bare.parquet")
    found.append(Taken("the same, one ASOF JOIN of DuckDB", cpu, wall, requests, note=f"{differ} cells differ"))
    if feast:
        found.append(beside(connection, folder, answers, requests))
    connection.close()
    return found


def beside(connection: duckdb.DuckDBPyConnection, folder: Path, answers: Path, requests: int) -> Taken:
    """Feast, in its own environment."""
    script = Path(__file__).with_name("feast_offline.py")
    ran = subprocess.run(
        [str(rivals.python("feast")), str(script), str(folder)], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"Feast failed: {ran.stderr[-2000:]}")
    said = json.loads(ran.stdout.splitlines()[-1])
    differ = differing(connection, answers, folder / "feast.parquet")
    what = f"the same, Feast {said['version']} with DuckDB"
    return Taken(what, said["cpu"], said["wall"], requests, note=f"{differ} cells differ")


def windows(ws: Workspace, made: Tables, entities: int, reach: float) -> Taken:
    """Count, sum and largest over an hour, a day and a week, as known: one row in ten came late."""
    spine, values = part(ws, made.requests, "asked_at"), part(ws, late(made.rows), "at")
    _, cpu, wall = measured(lambda: build_part(ws, inputs(WINDOWS), spine, {"Values": [values]}, {}), times=3)
    what = f"3 windows x 3 aggregates, as known, {entities:,} keys"
    return Taken(what, cpu, wall, made.requests.num_rows, reach, "Feast: not possible")


def measured(do: Callable[[], T], times: int = 5) -> tuple[T, float, float]:
    """What it gives, with the medians of CPU and wall seconds."""
    cpu, wall = [], []
    for _ in range(times):
        started, used = perf_counter(), process_time()
        given = do()
        cpu.append(process_time() - used)
        wall.append(perf_counter() - started)
    return given, median(cpu), median(wall)


def asof(folder: Path) -> str:
    """The bare query."""
    fresh = f'asked_at - "at" <= INTERVAL {TTL} MICROSECONDS'
    values = ", ".join(f"CASE WHEN {fresh} THEN {name} END AS {name}" for name in VALUES)
    return (
        f"SELECT id, {values} FROM '{folder}/requests.parquet' r ASOF LEFT JOIN '{folder}/rows.parquet' e "
        'ON r.entity = e.entity AND r.asked_at >= e."at"'
    )


def differing(connection: duckdb.DuckDBPyConnection, ours: Path, theirs: Path) -> int:
    """How many cells differ, to the last bit; a request that only one side has differs in all of them."""
    cells = " + ".join(
        f'(o."Latest.{name}" IS DISTINCT FROM CASE WHEN NOT isnan(t.{name}) THEN t.{name} END)::BIGINT'
        for name in VALUES
    )
    one = connection.execute(f"SELECT sum({cells}) FROM '{ours}' o FULL JOIN '{theirs}' t USING (id)").fetchone()
    rows = f"SELECT (SELECT count(*) FROM '{ours}') - (SELECT count(*) FROM '{theirs}')"
    counts = connection.execute(rows).fetchone()
    assert one is not None and counts is not None
    assert counts[0] == 0, "both sides answer every request"
    return int(one[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows")
    parser.add_argument("--no-feast", action="store_true", help="without Feast's environment")
    said = parser.parse_args()
    show(offline(quick=said.quick, feast=not said.no_feast))


def show(found: list[Taken]) -> None:
    """Print the table."""
    print(f"| {'work':58} | {'CPU s':>7} | {'wall s':>7} | {'rows/CPU s':>10} | {'reach':6} | {'held':4} |")
    print(f"|{'-' * 60}|{'-' * 9}|{'-' * 9}|{'-' * 12}|{'-' * 8}|{'-' * 6}|")
    for one in found:
        print(one.line())


if __name__ == "__main__":
    main()
