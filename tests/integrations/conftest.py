"""Files written by the real tools, each in an environment of its own (`make rivals`), while the tests run."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from foreign import Script, run_script


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """`script("trackers", "write_with_wandb.py", ...)` runs a script beside these tests in that environment."""
    return partial(run_script, tmp_path)


@pytest.fixture(scope="session")
def clearml_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ClearML wrote offline, once."""
    said = run_script(tmp_path_factory.mktemp("clearml"), "trackers", "write_with_clearml.py")
    return Path(next(line for line in said.splitlines() if line.startswith("ZIP ")).removeprefix("ZIP "))


@pytest.fixture(scope="session")
def comet_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Comet wrote offline, once."""
    folder = tmp_path_factory.mktemp("comet")
    run_script(folder, "trackers", "write_with_comet.py", folder)
    return next(folder.glob("*.zip"))


@pytest.fixture(scope="session")
def wandb_written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `wandb` folder of a run written offline, once."""
    folder = tmp_path_factory.mktemp("wandb")
    run_script(folder, "trackers", "write_with_wandb.py", folder)
    return folder / "wandb"


@pytest.fixture(scope="session")
def tensorboard_written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of event files, written once."""
    folder = tmp_path_factory.mktemp("tensorboard")
    run_script(folder, "trackers", "write_with_tensorboardx.py", folder / "logs")
    return folder / "logs"


@pytest.fixture
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an archive, to be read or damaged: which one is for the test's module to say."""
    written: Path = request.getfixturevalue(request.module.WRITTEN)
    return Path(shutil.copy(written, tmp_path / written.name))
