"""A workspace whose clock moves with every commit, folders to version, and tables to put into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from noria.core.clock import ManualClock
from noria.data.versions import operations
from noria.data.versions.model import Origin, Snapshot
from noria.stores.schema import metadata
from noria.testing.postgres import PostgresServer
from noria.testing.workspace import NOON, make_workspace
from noria.workspace.workspace import Workspace

Content = str | bytes


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    workspace = make_workspace(tmp_path / "project")
    yield workspace
    workspace.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_ws(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace on SQLite, and one on PostgreSQL."""
    url = request.getfixturevalue("versions_database") if request.param == "postgresql" else None
    workspace = make_workspace(tmp_path / "project", ManualClock(NOON), url)
    if url:
        with workspace.database.transaction() as connection:
            connection.execute(sa.text(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE"))
    yield workspace
    workspace.close()


@pytest.fixture(scope="session")
def versions_database(postgres: PostgresServer) -> str:
    admin = sa.create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE versions"))
    admin.dispose()
    return postgres.url.replace("/postgres", "/versions")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder with two files, one of them in a folder."""
    return write(tmp_path / "pets", {"cat.txt": "meow", "dogs/rex.txt": "woof"})


def write(folder: Path, files: Mapping[str, Content | None]) -> Path:
    """Write files below a folder; None removes one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # a hard link is read-only; who changes a file replaces it
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(folder: Path) -> dict[str, Content]:
    """Everything below a folder: files as text, links as `-> target`, empty folders as `/`."""
    found: dict[str, Content] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
        elif not any(path.iterdir()):
            found[name] = "/"
    return found


@pytest.fixture
def commit(ws: Workspace) -> Callable[..., Snapshot]:
    """`commit(folder, "message", name="main")` a second later than the one before."""
    return lambda folder, message="", **options: commit_in(ws, folder, message, **options)


def commit_in(ws: Workspace, folder: Path, message: str = "", **options: Any) -> Snapshot:
    assert isinstance(ws.clock, ManualClock)
    ws.clock.advance_to(ws.clock.now() + 1_000_000)
    return operations.commit(ws, folder, origin=Origin(message), **options).snapshot


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as Parquet or CSV, by the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    table = pa.Table.from_pylist([dict(row) for row in rows])
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        table.to_pandas().to_csv(path, index=False)
    return path
