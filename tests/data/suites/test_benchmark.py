"""The benchmark of checks runs, and a short run of it keeps to what can be promised anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_a_short_run() -> None:
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "data_checks.py"),
        "--rows",
        "50000",
        "--rounds",
        "1",
        "--alone",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    (figures,) = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("Noria")]
    assert float(figures[2]) < 300  # megabytes
