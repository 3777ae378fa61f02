"""One address for a project: its own routes, and MLflow's protocol behind them."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from noria.monitoring.observations import Observations
from noria.retraining.controller import Controller
from noria.server.control import control_app
from noria.serving.log import LogReader, log_path
from noria.testing.workspace import make_workspace


@pytest.fixture
def ws(tmp_path):
    ws = make_workspace(tmp_path)
    yield ws
    ws.close()


@pytest.fixture
def ask(ws):
    observations = Observations(LogReader(log_path(ws)))
    app = control_app(ws, Controller(ws, {}, {}, observations, lambda: None), lambda: None, replay=False)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.mark.parametrize("path", ["/health", "/api/status", "/api/journal"])
def test_the_projects_own_routes_answer(ask, path):
    assert run(ask.get(path)).status_code == 200


def test_mlflows_clients_are_answered_at_the_same_address(ask):
    made = run(ask.post("/api/2.0/mlflow/experiments/create", json={"name": "lateness"})).json()
    found = run(ask.get("/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": "lateness"})).json()
    assert found["experiment"]["experiment_id"] == made["experiment_id"]


def test_what_nobody_knows_is_said_as_mlflows_clients_expect(ask):
    answer = run(ask.get("/api/2.0/mlflow/dreams"))
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def run(awaitable):
    return asyncio.run(awaitable)
