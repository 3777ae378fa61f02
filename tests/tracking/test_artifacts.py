"""What only a disk can do to artifacts; see the contract for what they promise on every database."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from noria.core.errors import StorageFull
from noria.testing.workspace import make_workspace
from noria.tracking import artifacts
from noria.tracking.artifacts import BrokenOff
from noria.workspace.workspace import Workspace

MOST = 4 << 20

WRITER = """
import sys
from pathlib import Path
from noria.testing.workspace import make_workspace
from noria.tracking import artifacts
ws = make_workspace(Path(sys.argv[1]))
for number in range(1_000_000):
    with artifacts.writer(ws) as file:
        for _ in range(20):
            file.write(b"%08d" % number * 8192)
        print(file.keep(f"r/{number}").digest, flush=True)
"""


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process may grow beyond `MOST`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def files(ws: Workspace) -> list[Path]:
    return [path for path in ws.settings.home.rglob("*") if path.is_file() and "noria.db" not in path.name]


def test_a_disk_that_is_full_in_the_middle_leaves_nothing(ws: Workspace, full_disk: None) -> None:
    with artifacts.writer(ws) as file:
        with pytest.raises(StorageFull, match="no room left for artifacts"):
            for _ in range(9):
                file.write(b"x" * (MOST // 8 + 1))
        with pytest.raises(BrokenOff):
            file.keep("r/large")
    assert artifacts.list_artifacts(ws, "") == [] == files(ws)
    with artifacts.writer(ws) as file:
        file.write(b"x" * MOST)
        assert file.keep("r/small").size == MOST


def test_a_writer_that_is_killed_leaves_whole_files_and_nothing_visible(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline().strip() for _ in range(5)]
        writer.kill()
    ws = make_workspace(tmp_path)
    listed = artifacts.list_artifacts(ws, "r")
    assert len(listed) >= 5
    assert {one.digest for one in listed} >= set(acknowledged)
    for one in listed:
        assert one.digest is not None
        assert len(ws.blobs.get(one.digest)) == one.size == 20 * 65_536
    ws.close()
