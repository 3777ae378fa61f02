"""Files written by the real tools, each in an environment of its own (`make rivals`), while the tests run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from foreign import Script
from noria.testing import rivals

HERE = Path(__file__).parent


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """`script("trackers", "write_with_wandb.py", ...)` runs a script beside these tests in that environment."""

    def run(rival: str, name: str, *arguments: object, **environment: str) -> str:
        command = [str(rivals.python(rival)), str(HERE / name), *map(str, arguments)]
        given = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), **environment}
        given.pop("PYTHONPATH", None)
        done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
        return done.stdout

    return run
