"""Checks beside other people's: six checks of a table in Parquet, by Noria, Great Expectations and Pandera.

`make bench-data` runs it. Each tool is a process of its own, in its own environment, that reads the same file;
the table shows CPU seconds of the whole process (import, reading, checking), wall seconds and the largest
resident memory. `--rows 2000000` is quicker than the ten million that the issue speaks of.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from noria.testing.rivals import python as rival

LIMIT_SECONDS, LIMIT_MB = 4.0, 600
ROUNDS = 3

SUITE = {
    "name": "trips",
    "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "trip_id"}},
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "trip_id"}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "fare", "min_value": 0, "max_value": 500}},
        {"type": "expect_column_values_to_be_in_set",
         "kwargs": {"column": "station", "value_set": ["oslo", "bergen", "trondheim", "stavanger"]}},
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "code", "regex": "^[A-Z]{2}-[0-9]+$"}},
        {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "minutes", "min_value": 10, "max_value": 20}},
    ],
}  # fmt: skip

NORIA = """
import json, sys
from noria.core.clock import SystemClock
from noria.data.suites.documents import read_suite
from noria.data.suites.run import check
from noria.data.suites.table import table_at
from pathlib import Path
report = check(read_suite(Path(sys.argv[2])), table_at(sys.argv[1]), SystemClock())
print(json.dumps([one.verdict == "passed" for one in report.outcomes]))
"""

GREAT_EXPECTATIONS = """
import json, sys
import great_expectations as gx
import pandas as pd
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("trips")
batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": pd.read_parquet(sys.argv[1])})
suite = gx.ExpectationSuite(**json.load(open(sys.argv[2])))
print(json.dumps([bool(one.success) for one in batch.validate(suite, result_format="BASIC").results]))
"""

PANDERA = """
import json, sys
import pandera.polars as pa
import polars as pl
schema = pa.DataFrameSchema({
    "trip_id": pa.Column(pl.Int64, nullable=False, unique=True),
    "fare": pa.Column(pl.Float64, pa.Check.in_range(0, 500)),
    "station": pa.Column(pl.String, pa.Check.isin(["oslo", "bergen", "trondheim", "stavanger"])),
    "code": pa.Column(pl.String, pa.Check.str_matches("^[A-Z]{2}-[0-9]+$")),
    "minutes": pa.Column(pl.Float64, pa.Check(lambda data: data.lazyframe.select(
        pl.col(data.key).mean().is_between(10, 20)))),
})
schema.validate(pl.read_parquet(sys.argv[1]), lazy=True)
print(json.dumps([True] * 6))
"""


def write_trips(path: Path, rows: int) -> None:
    """A table where all six checks hold: nobody is faster by stopping early."""
    stations = "['oslo', 'bergen', 'trondheim', 'stavanger']"
    duckdb.execute(
        f"COPY (SELECT range AS trip_id, round(hash(range) % 40000 / 100.0, 2)::DOUBLE AS fare,"
        f" {stations}[(1 + hash(range + 1) % 4)::INT] AS station,"
        f" chr((65 + hash(range + 2) % 26)::INT) || chr((65 + hash(range + 3) % 26)::INT) || '-' || (hash(range) % 90000)"
        f" AS code, (hash(range + 4) % 30000 / 1000.0)::DOUBLE AS minutes FROM range({rows})) TO '{path}' (FORMAT parquet)"
    )


def measured(interpreter: Path | str, script: str, arguments: Sequence[str]) -> tuple[float, float, float, list[bool]]:
    """CPU seconds, wall seconds and megabytes of a process, and the verdicts that it printed."""
    code = f"import resource, sys\n{script}\nused = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nprint(used)"
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([str(interpreter), "-c", code, *arguments], capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    verdicts, memory = done.stdout.strip().splitlines()[-2:]
    return cpu, wall, int(memory) / 1024, json.loads(verdicts)


def import_seconds() -> float:
    """CPU seconds that importing what checks need adds to an empty interpreter."""
    needed = "from noria.data.suites.run import check"
    return min(measured(sys.executable, f"{needed}\nprint('[]')", [])[0] for _ in range(ROUNDS)) - min(
        measured(sys.executable, "print('[]')", [])[0] for _ in range(ROUNDS)
    )


def bench_checks(rows: int, rounds: int = ROUNDS, *, rivals: bool = True) -> bool:
    """Print the table; tells whether Noria kept within its limits (at ten million rows)."""
    tools: dict[str, tuple[Path | str, str]] = {"Noria": (sys.executable, NORIA)}
    if rivals:
        tools["Pandera (Polars)"] = (sys.executable, PANDERA)
        tools["Great Expectations (pandas)"] = (rival("gx"), GREAT_EXPECTATIONS)
    best: dict[str, tuple[float, float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        table, suite = Path(folder) / "trips.parquet", Path(folder) / "trips.json"
        write_trips(table, rows)
        suite.write_text(json.dumps(SUITE))
        for _ in range(rounds):
            for name, (interpreter, script) in tools.items():
                cpu, wall, memory, verdicts = measured(interpreter, script, [str(table), str(suite)])
                assert verdicts == [True] * 6, (name, verdicts)
                best[name] = min(best.get(name, (cpu, wall, memory)), (cpu, wall, memory))
        size = table.stat().st_size / 1e6
    print(f"\nsix checks on {rows:,} rows from Parquet ({size:.0f} MB), best of {rounds}, import and reading included")
    print(f"{'':<30}{'CPU s':>8}{'wall s':>8}{'MB':>8}")
    for name, (cpu, wall, memory) in best.items():
        print(f"{name:<30}{cpu:8.2f}{wall:8.2f}{memory:8.0f}")
    cpu, _, memory = best["Noria"]
    print(f"importing the checks: {import_seconds():.2f} CPU s")
    return rows < 10_000_000 or (cpu <= LIMIT_SECONDS and memory <= LIMIT_MB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--alone", action="store_true", help="Noria only")
    given = parser.parse_args()
    if not bench_checks(given.rows, given.rounds, rivals=not given.alone):
        raise SystemExit(f"Noria needs more than {LIMIT_SECONDS} CPU s or {LIMIT_MB} MB")


if __name__ == "__main__":
    main()
