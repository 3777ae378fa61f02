"""A short run of `benchmarks/replay_reads.py`: thousands of reads, killed keepers, the backfill beside them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from noria.stores.online_lmdb import LmdbOnlineStore

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "replay_reads.py"


@pytest.fixture(scope="module")
def replay_reads() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replay_reads", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["replay_reads"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_some_thousand_reads_have_no_mismatch(replay_reads: ModuleType, tmp_path: Path) -> None:
    found = replay_reads.replay(4_000, 7, LmdbOnlineStore, tmp_path, sizes=(600, 1_000), tell=lambda line: None)
    assert found.wrong == []
    assert found.reads >= 4_000
    assert found.kills >= 3
