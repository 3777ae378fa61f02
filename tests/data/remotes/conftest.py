from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from noria.core.clock import ManualClock
from noria.data.remotes.opening import Remote, open_remote
from noria.data.versions import operations
from noria.data.versions.model import Origin, Snapshot
from noria.testing.s3_server import CREDENTIALS, S3Server
from noria.testing.workspace import NOON, make_workspace
from noria.workspace.workspace import Workspace


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["s3", "folder"])
def address(request: pytest.FixtureRequest, tmp_path: Path, credentials: None) -> str:
    """Where the remote of a test is: in a bucket, or in a shared folder."""
    if request.param == "folder":
        return (tmp_path / "shared").as_uri()
    server: S3Server = request.getfixturevalue("s3")
    return server.url(f"{tmp_path.name}/data")


@pytest.fixture
def remote(address: str) -> Remote:
    return open_remote(address)


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Callable[[str], Workspace]]:
    """`people("ann")` is the workspace of somebody who works on a machine of her own."""
    opened: dict[str, Workspace] = {}

    def of(name: str) -> Workspace:
        if name not in opened:
            opened[name] = make_workspace(tmp_path / name / "project", ManualClock(NOON))
        return opened[name]

    yield of
    for one in opened.values():
        one.close()


def commit(ws: Workspace, message: str = "", **files: str | bytes | None) -> Snapshot:
    """Write files (`a_txt="..."`) into the person's folder `pets` and commit it, a second after the commit before."""
    folder = ws.root.parent / "pets"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert isinstance(ws.clock, ManualClock)
    ws.clock.advance_to(ws.clock.now() + 1_000_000)
    return operations.commit(ws, folder, origin=Origin(message)).snapshot


def checked_out(ws: Workspace, reference: str = "") -> dict[str, bytes]:
    """The files of `pets` at a reference."""
    folder = ws.root.parent / f"out-{reference or 'main'}"
    operations.checkout(ws, "pets", reference, folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
