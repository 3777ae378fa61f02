from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tiny_airline
from caller import Caller

from noria.serving.data_plane import DataPlane
from noria.workspace.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    workspace = tiny_airline.workspace(tmp_path)
    yield workspace
    workspace.close()


@pytest.fixture
def open_plane(ws: Workspace) -> Iterator[Callable[..., Caller]]:
    """Opens data planes on the workspace, and closes those that are left at the end."""
    planes: list[DataPlane] = []

    def open_one(**options: object) -> Caller:
        plane = DataPlane(ws, tiny_airline.MODELS, tiny_airline.FUNCTIONS, **options)
        planes.append(plane)
        plane.refresh()
        return Caller(plane)

    yield open_one
    for plane in planes:
        plane.close()


@pytest.fixture
def call(ws: Workspace, open_plane: Callable[..., Caller]) -> Caller:
    """A data plane with version 1 in production."""
    tiny_airline.add_version(ws, promoted=True)
    return open_plane()
