"""The journal keeps its promises on both databases."""

from __future__ import annotations

import pytest

from noria.testing.journal_suite import JournalSuite


class TestOnSqlite(JournalSuite):
    @pytest.fixture
    def database(self, sqlite):
        return sqlite


class TestOnPostgresql(JournalSuite):
    @pytest.fixture
    def database(self, postgresql):
        return postgresql
