"""Calls an application in this very process."""

from __future__ import annotations

import asyncio
import json

from noria.serving.data_plane import DataPlane
from noria.serving.model import Request, Response


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
