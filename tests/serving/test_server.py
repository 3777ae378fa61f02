"""The real server: uvicorn in a process of its own, a socket, signals."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import tiny_airline
from tiny_airline import MODEL, add_version, flight

import noria
from noria.registry.operations import promote
from noria.serving.log import LogReader, log_path

SCRIPT = Path(tiny_airline.__file__)


@contextmanager
def server(
    root: Path, *arguments: str, most_bytes_a_file: int | None = None, script: Path = SCRIPT
) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server process on the workspace in `root`: its URL and the process; stopped at the end."""

    def limit() -> None:
        if most_bytes_a_file is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes_a_file, most_bytes_a_file))

    path = str(Path(noria.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, str(script), str(root), *arguments],
        stdout=subprocess.PIPE, text=True, preexec_fn=limit, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    ws = tiny_airline.workspace(tmp_path)
    add_version(ws, promoted=True)
    ws.close()
    return tmp_path


def logged(root: Path) -> list[str]:
    ws = tiny_airline.workspace(root)
    records, _ = LogReader(log_path(ws)).predictions()
    ws.close()
    return [record.prediction_id for record in records]


def test_it_answers_and_after_sigterm_leaves_a_sealed_log(root: Path) -> None:
    with server(root) as (url, process):
        assert httpx.get(f"{url}/v2/health/ready").json()["ready"] is True
        answer = httpx.post(f"{url}/predict", json=flight()).json()["predictions"][0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert logged(root) == [answer["prediction_id"]]
    assert list((root / ".noria/log/predictions").glob("*.parquet"))


def test_hostile_requests_leave_it_answering(root: Path) -> None:
    with server(root) as (url, _), httpx.Client(base_url=url) as client:
        assert client.post("/predict", content=b"x" * 10_000_001).status_code == 413
        assert client.post("/predict", content=(b"x" * 1_000_000 for _ in range(12))).status_code == 413
        assert client.post("/predict", content=b"[" * 9_000_000).status_code == 400
        assert client.delete("/predict").status_code == 405
        assert client.get("/" + "x" * 5000).status_code == 404
        host, port = url.removeprefix("http://").split(":")
        for raw in (
            b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{",
            b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/9.9\r\n\r\n",
        ):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(raw)
        assert client.post("/predict", json=flight()).status_code == 200


def test_what_was_acknowledged_before_kill_9_is_logged_exactly_once(root: Path) -> None:
    acknowledged: dict[str, float] = {}
    asked = 0
    for _ in range(4):
        with server(root) as (url, process), httpx.Client(base_url=url) as client:
            threading.Timer(random.uniform(0.05, 0.4), process.kill).start()
            try:
                while True:
                    row = flight(asked, prediction_id=f"p{asked}")
                    answer = client.post("/predict", json=row).json()["predictions"][0]
                    again = acknowledged.setdefault(answer["prediction_id"], answer["output"])
                    assert again == answer["output"]
                    asked += 1
            except httpx.TransportError:
                process.wait()  # the row in flight is asked again under the same id after the restart
    with server(root):
        pass
    found = logged(root)
    assert len(found) == len(set(found))
    assert len(acknowledged) > 20
    assert set(acknowledged) <= set(found)


def test_a_swap_under_load_loses_no_request(root: Path) -> None:
    ws = tiny_airline.workspace(root)
    numbers = [1, add_version(ws, 1).number, add_version(ws, 2).number]
    stop = threading.Event()

    def load(worker: int) -> list[int]:
        seen = []
        with httpx.Client(base_url=url) as client:
            while not stop.is_set():
                response = client.post("/predict", json=flight(worker))
                assert response.status_code == 200, response.text
                seen.append(response.json()["predictions"][0]["version"])
        return seen

    with server(root) as (url, _), ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(load, worker) for worker in range(3)]
        for number in (2, 3, 1, 2, 3):
            promote(ws, MODEL, number, reason="swap", force=True)
            assert httpx.post(f"{url}/v2/repository/refresh").json()["models"][0]["version"] == number
        stop.set()
        seen = [version for worker in workers for version in worker.result()]
    ws.close()
    assert set(seen) == set(numbers)
    assert len(logged(root)) == len(seen)


def test_a_new_version_is_taken_up_without_being_told(root: Path) -> None:
    ws = tiny_airline.workspace(root)
    with server(root) as (url, _):
        promote(ws, MODEL, add_version(ws, 1).number, reason="swap", force=True)
        for _ in range(50):
            if httpx.get(url).json()["models"][0]["version"] == 2:
                break
            threading.Event().wait(0.1)
        assert httpx.post(f"{url}/predict", json=flight()).json()["predictions"][0]["version"] == 2
    ws.close()


def test_a_full_disk_refuses_what_it_cannot_keep_and_lives_on(root: Path) -> None:
    with server(root, "replay", most_bytes_a_file=100_000) as (url, _), httpx.Client(base_url=url) as client:
        answered, refused = [], 0
        for number in range(400):
            response = client.post("/predict", json=flight(number))
            if response.status_code == 200:
                answered.append(response.json()["predictions"][0]["prediction_id"])
            else:
                assert (response.status_code, response.json()["code"]) == (507, "N1507")
                refused += 1
        assert refused > 10
        assert client.get("/v2/health/live").status_code == 200
    assert logged(root) == answered


def test_two_servers_on_one_workspace_are_one_too_many(root: Path) -> None:
    with server(root), server(root) as (url, second):
        assert url == ""
        assert second.wait(30) != 0


def test_the_answer_is_json_to_the_last_byte(root: Path) -> None:
    with server(root) as (url, _):
        response = httpx.post(f"{url}/v2/models/{MODEL}/infer", content=b'{"inputs": [NaN]}')
        assert response.headers["content-type"] == "application/json"
        assert "NaN" in json.loads(response.content)["error"]
