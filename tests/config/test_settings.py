"""Where a workspace keeps its things: the TOML table, the environment over it, and defaults under both."""

from __future__ import annotations

from pathlib import Path

import pytest

from noria.config.settings import NAMES, settings_for
from noria.core.errors import FaultyInput


def test_by_default_everything_is_under_one_folder(tmp_path):
    settings = settings_for(tmp_path, {}, {})
    assert settings.home == tmp_path / ".noria"
    assert settings.database == f"sqlite:///{tmp_path}/.noria/noria.db"
    assert (settings.artifacts, settings.online) == (tmp_path / ".noria/blobs", tmp_path / ".noria/online")
    assert settings.actor == "local"


def test_the_environment_wins_over_the_table(tmp_path):
    table = {"database": "sqlite:///table.db", "actor": "table", "artifacts": "/table"}
    environment = {"NORIA_DATABASE": "postgresql://host/x", "NORIA_ACTOR": "", "USER": "ada", "NORIA_ONLINE": "/fast"}
    settings = settings_for(tmp_path, table, environment)
    assert settings.database == "postgresql://host/x"
    assert (settings.artifacts, settings.online) == (Path("/table"), Path("/fast"))
    assert settings.actor == "table"
    assert settings_for(tmp_path, {}, environment).actor == "ada"


def test_the_online_store_may_be_a_url(tmp_path):
    url = "redis://ada:secret@host:6379/2?prefix=noria:"
    assert settings_for(tmp_path, {"online": url}, {}).online == url


def test_a_relative_folder_is_taken_from_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert settings_for(tmp_path, {"artifacts": "../shared"}, {}).artifacts == tmp_path / "../shared"


def test_every_fault_of_the_table_is_told_at_once(tmp_path):
    with pytest.raises(FaultyInput) as told:
        settings_for(tmp_path, {"databse": "x", "online": 3, "colour": "red"}, {})  # type: ignore[dict-item]
    places = {fault.place: fault for fault in told.value.faults}
    assert sorted(places) == ["workspace.colour", "workspace.databse", "workspace.online"]
    assert "did you mean 'database'" in places["workspace.databse"].hint
    assert all(name in places["workspace.colour"].hint for name in NAMES)
