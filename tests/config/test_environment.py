"""The environment is read in one place, and what is read is a copy."""

from __future__ import annotations

from noria.config.environment import environment


def test_it_is_taken_when_asked_for(monkeypatch):
    before = environment()
    monkeypatch.setenv("NORIA_ACTOR", "ada")
    assert "NORIA_ACTOR" not in before
    assert environment()["NORIA_ACTOR"] == "ada"
