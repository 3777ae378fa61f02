"""A Feast repository that the real Feast has applied and answered questions about, and the project it becomes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from noria.integrations.feast.reader import READER
from noria.project.foreign import write_project
from noria.testing import rivals

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository beside this file after `feast apply`, with its data and Feast's answers. Not to be changed."""
    root = Path(shutil.copytree(HERE / "repository", tmp_path_factory.mktemp("feast") / "taxis"))
    command = [rivals.python("feast"), HERE / "ask.py", root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return root


@pytest.fixture
def repository(applied: Path, tmp_path: Path) -> Path:
    """A copy to work with."""
    return Path(shutil.copytree(applied, tmp_path / "taxis"))


@pytest.fixture
def imported(repository: Path, tmp_path: Path) -> Path:
    """The project that the repository becomes."""
    out = tmp_path / "ours"
    write_project(READER.read(str(repository), out, {}), out)
    return out
