"""Metric histories keep their promises on both databases."""

from __future__ import annotations

import pytest

from noria.testing.history_suite import HistorySuite


class TestOnSqlite(HistorySuite):
    @pytest.fixture
    def database(self, sqlite):
        return sqlite


class TestOnPostgresql(HistorySuite):
    @pytest.fixture
    def database(self, postgresql):
        return postgresql
