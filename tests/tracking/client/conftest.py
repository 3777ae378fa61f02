"""A folder to train in, with nothing captured and nobody to send to unless the test says so."""

from __future__ import annotations

import pytest

from noria.stores.spool import read_spool
from noria.tracking.client.folder import spools
from noria.tracking.client.place import HOME
from noria.tracking.client.process import PROCESS
from noria.tracking.records import Row, decode

CAPTURES = ("CODE", "ENVIRONMENT", "CONSOLE", "SYSTEM")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the program is run."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("NORIA_TRACKING_URI", "offline")
    for name in CAPTURES:
        monkeypatch.setenv(f"NORIA_CAPTURE_{name}", "0")
    yield work
    while (left := PROCESS.current()) is not None:
        left.end(seconds=0)


@pytest.fixture
def spooled(folder):
    """What lies in the spools: all records, oldest spool first."""

    def read(home=None):
        return [decode(data) for one in spools(home or folder / HOME) for _, data in read_spool(one.path)]

    return read


@pytest.fixture
def series(spooled):
    """The logged rows of a series, as pairs of step and value."""

    def read(name):
        return [(one.step, one.values[name]) for one in spooled() if isinstance(one, Row) and name in one.values]

    return read
