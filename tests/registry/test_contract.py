"""The registry keeps its promises on both databases."""

import pytest

from noria.testing.registry_suite import RegistrySuite


class TestOnSqlite(RegistrySuite):
    @pytest.fixture
    def ws(self, sqlite_ws):
        return sqlite_ws


class TestOnPostgresql(RegistrySuite):
    @pytest.fixture
    def ws(self, postgresql_ws):
        return postgresql_ws
