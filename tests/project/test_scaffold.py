"""A new project is whole: it loads, and its own test passes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from noria.core.errors import BadInput, NotFound
from noria.project.load import load
from noria.project.scaffold import create


def test_a_blank_project_loads_and_tests_itself(tmp_path):
    folder = tmp_path / "my-shop"
    made = {path.relative_to(folder).as_posix() for path in create(folder)}
    assert {"my_shop.py", "my_shop.toml", "README.md", ".gitignore", "tests/test_my_shop.py"} <= made
    assert ".github/workflows/model.yml" in made
    assert load(folder).plan.project == "my_shop"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(command, cwd=folder, env={"PYTHONPATH": f"{folder}:{':'.join(sys.path)}"}, capture_output=True)
    assert ran.returncode == 0, ran.stdout


def test_what_is_there_is_not_overwritten(tmp_path):
    create(tmp_path / "shop")
    with pytest.raises(BadInput, match="has a project already"):
        create(tmp_path / "shop")


@pytest.mark.parametrize("name", ["1st", "a b", "sh.op"])
def test_a_folder_whose_name_is_no_module_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="cannot be the name of a module"):
        create(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_example_is_suggested(tmp_path):
    with pytest.raises(NotFound, match="did you mean 'flights'"):
        create(tmp_path / "x", "flihgts")
