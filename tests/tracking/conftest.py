"""A workspace, or a bare database, of each kind. A PostgreSQL database is costly to make, so one is emptied again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from noria.stores.schema import metadata
from noria.testing.postgres import PostgresServer
from noria.testing.workspace import make_workspace
from noria.workspace.workspace import Workspace


@pytest.fixture
def sqlite_ws(tmp_path: Path) -> Iterator[Workspace]:
    ws = make_workspace(tmp_path / "sqlite")
    yield ws
    ws.close()


@pytest.fixture(scope="session")
def tracking_database(postgres: PostgresServer) -> str:
    """The URL of a database for these tests."""
    admin = sa.create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE tracking"))
    admin.dispose()
    return postgres.url.replace("/postgres", "/tracking")


@pytest.fixture
def postgresql_ws(tracking_database: str, tmp_path: Path) -> Iterator[Workspace]:
    ws = make_workspace(tmp_path / "postgresql", database=tracking_database)
    with ws.database.transaction() as connection:
        connection.execute(sa.text(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE"))
    yield ws
    ws.close()
