"""Metric histories keep their promises on both databases."""

from __future__ import annotations

import subprocess
import sys

import pytest

from noria.testing.history_suite import HistorySuite
from noria.testing.history_survival_suite import HistorySurvivalSuite


class OnSqlite:
    @pytest.fixture
    def database(self, sqlite):
        return sqlite


class OnPostgresql:
    @pytest.fixture
    def database(self, postgresql):
        return postgresql


class TestOnSqlite(OnSqlite, HistorySuite):
    pass


class TestOnPostgresql(OnPostgresql, HistorySuite):
    pass


class TestSurvivalOnSqlite(OnSqlite, HistorySurvivalSuite):
    pass


class TestSurvivalOnPostgresql(OnPostgresql, HistorySurvivalSuite):
    pass


def test_numpy_is_not_needed_to_log():
    told = "import sys, noria.tracking.history; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0
