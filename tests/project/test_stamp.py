"""Whether anything has changed, told without importing the project."""

from __future__ import annotations

import os

import pytest

from noria.project import stamp


def change_module(root):
    (root / "flights.py").write_text((root / "flights.py").read_text() + "#\n")


def change_values(root):
    (root / "flights.toml").write_text((root / "flights.toml").read_text() + "#\n")


def add_a_file(root):
    (root / "data/weather/2.parquet").write_bytes(b"1")


def change_a_file(root):
    os.utime(root / "data/weather/1.parquet", ns=(1, 1))


@pytest.fixture
def root(example):
    (example / "data/weather").mkdir(parents=True)
    (example / "data/weather/1.parquet").write_bytes(b"1")
    return example


def test_nothing_changed(root, tmp_path):
    stamp.keep(tmp_path / "home", "run", stamp.take(root, {"model": None}), "version 3")
    (root / ".venv").mkdir()
    (root / ".venv/other.py").write_text("x")
    assert stamp.matches(tmp_path / "home", "run", stamp.take(root, {"model": None})) == "version 3"
    assert stamp.matches(tmp_path / "home", "run", stamp.take(root, {"model": "x"})) is None
    assert stamp.matches(tmp_path / "home", "other", stamp.take(root, {"model": None})) is None


@pytest.mark.parametrize("change", [change_module, change_values, add_a_file, change_a_file])
def test_any_change_is_noticed(root, tmp_path, change):
    stamp.keep(tmp_path / "home", "run", stamp.take(root, {}), "version 3")
    change(root)
    assert stamp.matches(tmp_path / "home", "run", stamp.take(root, {})) is None


def test_a_source_that_is_a_query_can_change_unseen_so_there_is_no_stamp(root, tmp_path):
    stamp.keep(tmp_path / "home", "run", stamp.take(root, {}), "version 3")
    before = stamp.take(root, {})
    (root / "flights.toml").write_text('[source.Flight]\nquery = "SELECT 1"\n')
    assert stamp.take(root, {}) is None
    stamp.keep(tmp_path / "home", "run", None, "version 4")
    assert stamp.matches(tmp_path / "home", "run", before) is None
