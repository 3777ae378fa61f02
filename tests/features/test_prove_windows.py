"""A short run of the proof in `benchmarks/prove_windows.py`; the long one is for a machine with time."""

from __future__ import annotations

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_some_worlds_are_answered_alike_by_every_engine() -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from prove_windows import prove
    finally:
        sys.path.remove(str(BENCHMARKS))
    found = prove(5_000, 10, most=25, with_online=True)
    assert (found["worlds"], found["engines"], found["differ"]) == (10, 90, 0)
