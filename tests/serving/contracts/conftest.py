from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tiny_airline
from test_server import server
from tiny_airline import add_version


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server with version 1 in production."""
    root = tmp_path_factory.mktemp("served")
    ws = tiny_airline.workspace(root)
    add_version(ws, promoted=True)
    ws.close()
    with server(root) as (address, _):
        yield address
