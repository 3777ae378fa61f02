"""The hangar: a workspace, and flights to fit models on."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hangar import Hangar

from noria.testing.workspace import make_workspace


@pytest.fixture
def hangar(tmp_path):
    ws = make_workspace(tmp_path)
    yield Hangar(ws)
    ws.close()
