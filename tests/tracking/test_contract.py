"""Tracking keeps its promises on both databases."""

import pytest

from noria.testing.tracking_suite import ExperimentSuite, LoggingSuite, RunSuite


class OnSqlite:
    @pytest.fixture
    def ws(self, sqlite_ws):
        return sqlite_ws


class OnPostgresql:
    @pytest.fixture
    def ws(self, postgresql_ws):
        return postgresql_ws


class TestExperimentsOnSqlite(OnSqlite, ExperimentSuite):
    pass


class TestExperimentsOnPostgresql(OnPostgresql, ExperimentSuite):
    pass


class TestRunsOnSqlite(OnSqlite, RunSuite):
    pass


class TestRunsOnPostgresql(OnPostgresql, RunSuite):
    pass


class TestLoggingOnSqlite(OnSqlite, LoggingSuite):
    pass


class TestLoggingOnPostgresql(OnPostgresql, LoggingSuite):
    pass
