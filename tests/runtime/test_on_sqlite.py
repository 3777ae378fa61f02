"""Durable work on SQLite."""

from pathlib import Path

import pytest

from noria.testing.runtime_suite import RuntimeSuite
from noria.testing.runtime_survival_suite import FenceSuite, SurvivalSuite


class _OnSqlite:
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'work.db'}"


class TestMeaning(_OnSqlite, RuntimeSuite):
    pass


class TestFence(_OnSqlite, FenceSuite):
    pass


class TestSurvival(_OnSqlite, SurvivalSuite):
    pass
