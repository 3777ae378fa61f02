"""The benchmark of features over HTTP: a short run, in which our server and Feast's own first agree to the letter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_feasts_server_and_ours_give_the_same_answer_and_a_short_run_measures_both() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "features_http.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if "/features" in line or "/get-online-features" in line]
    assert len([line for line in lines if "Noria" in line]) == 4
    assert len([line for line in lines if "feast serve" in line]) == 2
