"""Tracking keeps its promises on both databases."""

import pytest

from noria.testing.kept_suite import ArtifactSuite, InputSuite, LoggedModelSuite
from noria.testing.logging_suite import LoggingSuite
from noria.testing.tracking_race_suite import RaceSuite
from noria.testing.tracking_suite import ExperimentSuite, RunSuite


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


class TestInputsOnSqlite(OnSqlite, InputSuite):
    pass


class TestInputsOnPostgresql(OnPostgresql, InputSuite):
    pass


class TestLoggedModelsOnSqlite(OnSqlite, LoggedModelSuite):
    pass


class TestLoggedModelsOnPostgresql(OnPostgresql, LoggedModelSuite):
    pass


class TestArtifactsOnSqlite(OnSqlite, ArtifactSuite):
    pass


class TestArtifactsOnPostgresql(OnPostgresql, ArtifactSuite):
    pass


class TestRacesOnSqlite(OnSqlite, RaceSuite):
    pass


class TestRacesOnPostgresql(OnPostgresql, RaceSuite):
    pass
