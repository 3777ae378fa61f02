"""Tracking beside stock `mlflow server`: `make bench-tracking` (BENCH="--quick", BENCH="--only log-metric").

Both servers answer the same prebuilt requests in one run, in turn, on one core, with the load on another. Figures are
CPU seconds of the server's whole process tree; medians of five with the least and the most, MLflow's slow ones once.
Neither database is analysed or tuned. MLflow runs as installed, but for job execution, which is off
(ten processes less).
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import subprocess
import tempfile
from pathlib import Path

from beside import Figure, machine, pinned
from tracking_bench import LINES, QUICK, Bench, Line, Side, Size
from tracking_rows import large_search, logging, small_search, start, writers

from noria.testing import rivals
from noria.testing.mlflow_server import mlflow_server
from noria.testing.noria_server import noria_server


def table(bench: Bench) -> str:
    """The lines measured: both figures, how many times better ours is, the goal, whether it held."""
    rows = [("operation", "MLflow", "Noria", "ratio", "goal", "held")]
    for line in LINES:
        if line.name not in bench.found:
            continue
        theirs, ours = (bench.found[line.name].get(side.name, Figure((), "not run")) for side in bench.sides)
        sign = ">=" if line.more_is_better else "<="
        figures = theirs.text(line.digits), ours.text(line.digits)
        label = f"{line.label}, {line.unit}" if line.unit else line.label
        rows.append((label, *figures, ratio(line, theirs, ours), f"{sign} {line.goal:,g}", held(line, ours)))
    widths = [max(len(row[n]) for row in rows) for n in range(6)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    )


def ratio(line: Line, theirs: Figure, ours: Figure) -> str:
    if not theirs.values or not ours.values or not theirs.median or not ours.median:
        return "-"
    return f"{ours.median / theirs.median if line.more_is_better else theirs.median / ours.median:,.1f}"


def held(line: Line, ours: Figure) -> str:
    if not ours.values:
        return "not run"
    good = ours.median >= line.goal if line.more_is_better else ours.median <= line.goal
    return "yes" if good else "NO"


def heading() -> str:
    """When, on what, of which versions."""
    asked = [rivals.python("mlflow"), "-c", "import importlib.metadata as m; print(m.version('mlflow'))"]
    mlflow = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    today = datetime.datetime.now(datetime.UTC).date()
    versions = f"mlflow {mlflow}, noria {importlib.metadata.version('noria')}"
    return f"{today}; {machine()}; load {os.getloadavg()[0]:.1f}\n{versions}; CPU of the server's process tree"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="less of everything: minutes instead of a quarter of an hour"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[line.name for line in LINES],
        default=[],
        help="one line; may be given again",
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument(
        "--both-mlflow", action="store_true", help="measure MLflow on both sides: what the measuring itself is worth"
    )
    given = parser.parse_args()
    before = pinned()
    ours = mlflow_server if given.both_mlflow else noria_server
    sides = (
        Side("mlflow", lambda f, **o: mlflow_server(f, before=before, **o)),
        Side("noria", lambda f, **o: ours(f, before=before, **o)),
    )
    with tempfile.TemporaryDirectory(prefix="bench-tracking") as folder:
        bench = Bench(QUICK if given.quick else Size(), given.only, Path(folder), sides)
        for part in (start, logging, small_search, large_search, writers):
            part(bench)
    print(f"\n{heading()}\n{table(bench)}")
    if given.json:
        found = {name: {side: figure.values for side, figure in pair.items()} for name, pair in bench.found.items()}
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
