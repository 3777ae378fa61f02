from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import batch_airline
import tiny_airline
from batch_airline import Airline

from noria.workspace.workspace import Workspace


@pytest.fixture
def airline(ws: Workspace, tmp_path: Path) -> Airline:
    """The airline with a version in production, and two days of history before it opens."""
    tiny_airline.add_version(ws, promoted=True)
    return batch_airline.made(ws, tmp_path)
