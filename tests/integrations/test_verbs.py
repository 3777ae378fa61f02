"""`noria import` and `noria export`, as people type them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from foreign import Script
from noria.testing.workspace import make_workspace


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "flights.py").write_text("from noria import Project\n\nproject = Project('flights')\n")
    make_workspace(folder).close()
    return folder


def noria(project: Path, *arguments: object, code: int = 0) -> str:
    command = [sys.executable, "-m", "noria.cli.main", *map(str, arguments), "--project", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=project)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_in_and_out(
    project: Path, wandb_written: Path, tensorboard_written: Path, comet_archive: Path, clearml_archive: Path,
    script: Script,
) -> None:  # fmt: skip
    for source, kind, count in (
        (wandb_written, "wandb", 1),
        (tensorboard_written, "tensorboard", 6),
        (comet_archive, "comet", 1),
        (clearml_archive, "clearml", 1),
    ):
        looked = json.loads(noria(project, "import", source, "--dry-run", "--json"))
        assert (looked["from"], [one["what"] for one in looked["runs"]]) == (kind, ["new"] * count)
        taken = json.loads(noria(project, "import", source, "--json"))
        assert [one["what"] for one in taken["runs"]] == ["new"] * count
        assert [one["points"] for one in taken["runs"]] == [one["points"] for one in looked["runs"]]
    said = noria(project, "import", wandb_written)
    assert "nothing new" in said and "0 of 1 runs came new" in said and "not plain metrics" in said
    out = project / "out"
    assert "9 runs" in noria(project, "export", out, "--to", "tensorboard")
    found = json.loads(script("trackers", "read_with_tensorboard.py", out))
    assert len(found) == 9
    losses = [len(run["scalars"].get("loss", ())) for run in found.values()]
    assert sorted(losses) == [0, 0, 0, 0, 0, 0, 20, 200, 300]
    noria(project, "export", out, "--to", "neptune-parquet", "-e", "flights")
    assert json.loads(noria(project, "import", out / "data", "--json"))["runs"][0]["what"] != "new"


def test_what_it_says_when_it_cannot(project: Path, tmp_path: Path) -> None:
    assert "nothing that an importer knows" in noria(project, "import", tmp_path / "nowhere", code=1)
    assert "did you mean 'wandb'" in noria(project, "import", tmp_path, "--from", "wandn", code=1)
    assert "no run-*.wandb file" in noria(project, "import", tmp_path, "--from", "wandb", code=1)
    assert "for whom is this" in noria(project, "export", tmp_path, code=1)
    assert "there is no exporter 'tensorbord'" in noria(project, "export", tmp_path, "--to", "tensorbord", code=1)
