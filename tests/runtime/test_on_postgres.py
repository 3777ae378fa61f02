"""Durable work on PostgreSQL: the same meanings, on a real server."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from noria.core.digest import digest
from noria.core.errors import Unavailable
from noria.runtime import operations
from noria.runtime.context import Context
from noria.testing.postgres import PostgresServer
from noria.testing.runtime_suite import OnDatabase, RuntimeSuite, facts, worker
from noria.testing.runtime_survival_suite import FenceSuite, SurvivalSuite
from noria.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


class _OnPostgres:
    @pytest.fixture
    def url(self, server: PostgresServer, request: pytest.FixtureRequest) -> str:
        """A fresh schema for each test: cheaper than a database."""
        schema = f"work_{digest(request.node.nodeid)[:16]}"
        plain = sa.make_url(server.url).set(drivername="postgresql")
        with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        named = plain.update_query_dict({"options": f"-csearch_path={schema} -cstatement_timeout=60s"})
        return named.render_as_string(hide_password=False)


class TestMeaning(_OnPostgres, RuntimeSuite):
    pass


class TestFence(_OnPostgres, FenceSuite):
    pass


class TestSurvival(_OnPostgres, SurvivalSuite):
    pass


class TestAway(_OnPostgres, OnDatabase):
    """The server goes away in the middle, and comes back."""

    @pytest.mark.parametrize("kind", ["step", "transaction_step"])
    def test_a_run_goes_on_when_the_server_is_back(self, ws: Workspace, server: PostgresServer, kind: str) -> None:
        outage = [server.stop]

        def flow(context: Context, args: dict[str, Any]) -> list[Any]:
            def break_off(*_: Any) -> str:
                if outage:
                    outage.pop()()
                return "b"

            return [
                context.step("a", lambda: "a"),
                getattr(context, kind)("b", break_off),
                context.step("c", lambda: "c"),
            ]

        run = operations.submit(ws, "w", {})
        one = worker(ws, flow)
        with pytest.raises(Unavailable):
            one.run(run)
        with pytest.raises(Unavailable):
            one.run_until_idle()
        server.start()
        assert one.run(run) == ["a", "b", "c"]
        assert [step.name for step in operations.history(ws, run)] == ["a", "b", "c"]
        assert facts(ws, run) == ["WorkSubmitted", "WorkFinished"]
