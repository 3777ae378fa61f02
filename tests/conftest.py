"""What every test may ask for: a workspace, a real PostgreSQL server, the flights project fresh or after a turn."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from noria.stores.database import Database
from noria.testing.postgres import PostgresServer
from noria.testing.redis_server import RedisServer
from noria.testing.workspace import make_workspace
from noria.workspace.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parent))

from flights_project import FlightsProject, make_flights


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    workspace = make_workspace(tmp_path)
    yield workspace
    workspace.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'noria.db'}")
    yield database
    database.close()


@pytest.fixture
def postgresql(postgres: PostgresServer, tmp_path: Path) -> Iterator[Database]:
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


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def flights_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_flights(tmp_path_factory.mktemp("template") / "flights").root


@pytest.fixture
def flights(flights_template: Path, tmp_path: Path) -> FlightsProject:
    """A fresh project that has never run."""
    return FlightsProject(Path(shutil.copytree(flights_template, tmp_path / "flights")))


@pytest.fixture(scope="session")
def ran_template(flights_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(shutil.copytree(flights_template, tmp_path_factory.mktemp("ran") / "flights"))
    FlightsProject(root).run()
    return root


@pytest.fixture
def flights_that_ran(ran_template: Path, tmp_path: Path) -> FlightsProject:
    """A project after its first turn."""
    return FlightsProject(Path(shutil.copytree(ran_template, tmp_path / "flights_that_ran")))


@pytest.fixture(scope="session")
def replayed(ran_template: Path, tmp_path_factory: pytest.TempPathFactory) -> FlightsProject:
    """A project after a replay of three days that nobody disturbed."""
    root = Path(shutil.copytree(ran_template, tmp_path_factory.mktemp("replayed") / "flights"))
    project = FlightsProject(root)
    project.noria("replay", "--requests", "3000", "--until", "2013-02-23")
    return project
