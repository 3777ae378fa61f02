"""The proof in benchmarks/batch_predict.py, over few rows: killed and resumed, nothing lost, equal to a server."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from batch_predict import prove


def test_a_run_that_is_killed_answers_every_row_once_and_as_a_server_does(tmp_path: Path) -> None:
    found = prove(tmp_path, rows=6_000, kills=1, chunk=500, sample=25)
    (before,) = found.chunks_before_kills
    assert 0 < before < 12
    assert found.rows == found.distinct == 6_000
    assert found.off <= 1e-9
