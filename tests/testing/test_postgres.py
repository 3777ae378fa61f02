"""The server of one's own: it goes, comes back with its data, and leaves nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path

import psycopg
import pytest

from noria.testing import postgres as module
from noria.testing.postgres import PostgresServer


def test_it_goes_away_comes_back_and_leaves_nothing():
    with PostgresServer() as server:
        plain = server.url.replace("+psycopg", "")
        with psycopg.connect(plain) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS x")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(plain)
        server.start()
        with psycopg.connect(plain) as connection:
            assert connection.execute("SELECT x FROM kept").fetchone() == (1,)
        folder = server.folder
    assert not folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_a_machine_without_postgresql_says_what_to_install(monkeypatch):
    """It fails and is never passed over."""
    monkeypatch.setattr(module, "PLACES", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match="apt install postgresql"):
        PostgresServer()
