from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tiny_airline

from noria.serving.data_plane import DataPlane
from noria.serving.model import Request, Response
from noria.workspace.workspace import Workspace


class Caller:
    """Calls an application in this very process, without HTTP."""

    def __init__(self, plane: DataPlane) -> None:
        self.plane = plane

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        path, _, query = path.partition("?")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self.plane.app.handle(Request(method, path, named, data, query)))

    def json(self, method: str, path: str, body: object = None, status: int = 200, **headers: str) -> dict:
        response = self(method, path, body, **headers)
        assert response.status == status, response.body
        return json.loads(response.body)

    def predict(self, *rows: dict) -> list[dict]:
        return self.json("POST", "/predict", {"rows": list(rows)})["predictions"]


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
