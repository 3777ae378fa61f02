"""Real clients, each in an environment of its own, ask over gRPC what /predict was asked: the answers are the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tiny_airline
from test_server import server
from tiny_airline import MODEL, add_version, flight

from noria.testing import rivals
from noria.testing.server_process import free_port

CLIENTS = Path(__file__).parent / "clients"
ROW = {name: value for name, value in flight(4).items() if value is not None}


@pytest.fixture(scope="module", params=["grpcio", "own"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, float]]:
    """The gRPC address of a server's lane, and what /predict answers to the row."""
    root = tmp_path_factory.mktemp("grpc")
    ws = tiny_airline.workspace(root)
    add_version(ws, promoted=True)
    ws.close()
    port = free_port()
    with server(root, f"grpc={port}") as (url, _):
        address = f"127.0.0.1:{port}" if request.param == "grpcio" else url.removeprefix("http://")
        yield address, httpx.post(f"{url}/predict", json=ROW).json()["predictions"][0]["output"]


def ask(environment: str, script: str, address: str) -> dict:
    command = [str(rivals.python(environment)), str(CLIENTS / script), address, MODEL, json.dumps(ROW)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_tritons_client(served: tuple[str, float]) -> None:
    address, expected = served
    told = ask("tritongrpc", "tritonclient_grpc.py", address)
    assert told["live"] and told["ready"] and told["model_ready"]
    assert told["server"]["name"] == "noria"
    assert [one["name"] for one in told["model"]["inputs"]] == list(flight())
    assert told["index"]["models"] == [{"name": MODEL, "version": "1", "state": "READY"}]
    assert (told["id"], told["output"], set(told["aio"])) == ("seven", expected, {expected})
    errors = {name: status for name, (status, _) in told["errors"].items()}
    assert errors == {
        "unknown model": "StatusCode.NOT_FOUND",
        "unknown input": "StatusCode.INVALID_ARGUMENT",
        "unload": "StatusCode.PERMISSION_DENIED",
        "statistics": "StatusCode.UNIMPLEMENTED",
    }
    assert "did you mean 'lateness'?" in told["errors"]["unknown model"][1]
    first, refused, last = told["stream"]
    assert (first, last) == (expected, expected)
    assert "did you mean 'origin'?" in refused


def test_kserves_client(served: tuple[str, float]) -> None:
    address, expected = served
    told = ask("kserve", "kserve_grpc.py", address)
    assert told["live"] and told["ready"] and told["model_ready"]
    assert (told["id"], told["version"], told["output"]) == ("seven", "1", expected)
    assert "did you mean 'origin'?" in told["error"]


def test_tensorflow_servings_stubs(served: tuple[str, float]) -> None:
    address, expected = served
    told = ask("tfserving", "tensorflow_stubs.py", address)
    assert (told["outputs"], told["version"], len(told["ids"])) == ([expected, expected], 1, 1)
    assert told["inputs"].keys() == flight().keys()
    assert told["status"] == [[1, "AVAILABLE"]]
    assert told["errors"]["unknown model"][0] == "NOT_FOUND"
    assert told["errors"]["unknown input"][0] == "INVALID_ARGUMENT"
