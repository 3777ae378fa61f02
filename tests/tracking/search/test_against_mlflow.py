"""Some hundred random searches, in our tables and in MLflow's own store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from both import Both


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    pair = Both(20261123)
    yield pair
    pair.close()


def test_random_searches_find_what_mlflow_finds(both: Both, tmp_path: Path, database: str | None) -> None:
    ws = both.workspace(tmp_path, database)
    found = [difference for _ in range(300) if (difference := both.difference(ws, both.question()))]
    ws.close()
    assert not found, "\n".join(found[:10])
