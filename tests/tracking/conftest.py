"""A database of each kind, empty."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from noria.stores.database import Database


@pytest.fixture
def sqlite(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'noria.db'}")
    yield database
    database.close()


@pytest.fixture
def postgresql(postgres, tmp_path):
    """A database of its own on the shared server."""
    admin = sa.create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    name = f"t{abs(hash(str(tmp_path)))}"
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    database = Database(postgres.url.replace("/postgres", f"/{name}"))
    yield database
    database.close()
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
