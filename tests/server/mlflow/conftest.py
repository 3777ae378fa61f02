"""A server that speaks MLflow's protocol, on a port of its own, over a workspace that each test has to itself."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from noria.server.mlflow.app import Application, mlflow_app
from noria.testing.workspace import make_workspace
from noria.workspace.workspace import Workspace


class Door:
    """The server, and a client that speaks to it in plain HTTP."""

    def __init__(self, ws: Workspace, application: Application) -> None:
        self.ws = ws
        self._application = application
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(application, http="httptools", lifespan="off", log_level="error", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.http = httpx.Client(base_url=self.url, timeout=60)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listening]))

    def __enter__(self) -> Door:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join()
        self._application.close()

    def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """What is answered with 200."""
        return self._good(self.http.get(f"/api/2.0/mlflow/{path}", params=query))

    def post(self, path: str, /, **body: Any) -> dict[str, Any]:
        """What is answered with 200."""
        return self.send("POST", path, **body)

    def send(self, method: str, path: str, /, **body: Any) -> dict[str, Any]:
        """What is answered with 200."""
        return self._good(self._sent(method, path, json.dumps(body)))

    def refused(self, method: str, path: str, status: int, code: str, query: Any = None, /, **body: Any) -> str:
        """The message of an error with that status and code."""
        if method == "GET":
            answer = self.http.get(f"/api/2.0/mlflow/{path}", params=query)
        else:
            answer = self._sent(method, path, json.dumps(body))
        told = answer.json()
        assert (answer.status_code, told["error_code"]) == (status, code), told
        return str(told["message"])

    def invalid(self, path: str, /, **body: Any) -> str:
        """The message of a POST that is refused because of a parameter."""
        return self.refused("POST", path, 400, "INVALID_PARAMETER_VALUE", **body)

    def new_run(self, **body: Any) -> str:
        """The id of a new run."""
        return str(self.post("runs/create", experiment_id="0", **body)["run"]["info"]["run_id"])

    def run(self, run: str) -> dict[str, Any]:
        """A run."""
        return dict(self.get("runs/get", run_id=run)["run"])

    def _sent(self, method: str, path: str, body: str) -> httpx.Response:
        headers = {"content-type": "application/json"}
        return self.http.request(method, f"/api/2.0/mlflow/{path}", content=body, headers=headers)

    @staticmethod
    def _good(answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    ws = make_workspace(tmp_path)
    with Door(ws, mlflow_app(ws)) as one:
        yield one
    ws.close()
