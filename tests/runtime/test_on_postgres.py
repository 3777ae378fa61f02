"""Durable work on PostgreSQL: the same meanings, on a real server."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from noria.testing.postgres import PostgresServer

from noria.core.digest import digest
from noria.testing.runtime_suite import RuntimeSuite, SurvivalSuite


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with PostgresServer() as server:
        yield server.url


class _OnPostgres:
    @pytest.fixture
    def url(self, server: str, request: pytest.FixtureRequest) -> str:
        """A fresh schema for each test: cheaper than a database."""
        schema = f"work_{digest(request.node.nodeid)[:16]}"
        plain = sa.make_url(server).set(drivername="postgresql")
        with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        named = plain.update_query_dict({"options": f"-csearch_path={schema}"})
        return named.render_as_string(hide_password=False)


class TestMeaning(_OnPostgres, RuntimeSuite):
    pass


class TestSurvival(_OnPostgres, SurvivalSuite):
    pass
