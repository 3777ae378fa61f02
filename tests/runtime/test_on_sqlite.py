"""Durable work on SQLite."""

from pathlib import Path

import pytest

from noria.testing.runtime_suite import RuntimeSuite, SurvivalSuite


class _OnSqlite:
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'work.db'}"


class TestMeaning(_OnSqlite, RuntimeSuite):
    pass


class TestSurvival(_OnSqlite, SurvivalSuite):
    pass
