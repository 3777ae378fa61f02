"""The benchmark of checks runs, and a short run of it keeps to what can be promised anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_a_short_run_of_all_three_tools() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "data_checks.py"), "--rows", "20000", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    table = {
        line[:30].strip(): line.split()[-3:] for line in done.stdout.splitlines() if line.endswith(tuple("0123456789"))
    }
    cpu = {name: float(figures[0]) for name, figures in table.items()}
    memory = {name: float(figures[2]) for name, figures in table.items()}
    assert set(cpu) == {"Noria", "Pandera (Polars)", "Great Expectations (pandas)"}
    assert memory["Noria"] < min(memory["Pandera (Polars)"], memory["Great Expectations (pandas)"]) < 600
