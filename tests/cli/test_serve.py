"""`noria serve --standby`: the process that answers is killed, and the next one answers at once."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request

import psutil
import pytest

from flights_project import FlightsProject
from noria import Client, Patience
from noria.core.clock import monotonic, sleep
from noria.serving.log import LogReader
from noria.testing.server_process import free_port

ROW = {"origin": "JFK", "dest": "BOS", "carrier": "UA", "tailnum": None, "departs": "2013-02-21T14:00:00"}


def answering(parent: int, port: int) -> psutil.Process:
    """The child that has accepted a connection."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        for child in psutil.Process(parent).children():
            taken = [one for one in child.net_connections() if one.laddr and one.laddr.port == port]
            if any(one.status == psutil.CONN_ESTABLISHED for one in taken):
                return child
        sleep(0.02)
    raise AssertionError("nobody answers")


def test_a_killed_server_is_followed_by_the_one_that_stood_by(flights_that_ran: FlightsProject) -> None:
    port = free_port()
    process = flights_that_ran.start("serve", "--port", str(port), "--standby", stderr=subprocess.PIPE)
    try:
        with Client(f"http://127.0.0.1:{port}", patience=Patience(deadline=60, attempts=1000)) as client:
            answered, killed = [], set()
            for number in range(4):
                for row in range(5):
                    asked = {**ROW, "flight_id": f"F{number}-{row}", "distance": 500}
                    answered.append(client.predict([asked])[0].prediction_id)
                child = answering(process.pid, port)
                killed.add(child.pid)
                child.kill()
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, said
    assert len(killed) == 4
    records, _ = LogReader(flights_that_ran.root / ".noria" / "log").predictions()
    assert sorted(one.prediction_id for one in records) == sorted(answered)


def test_what_cannot_stand_by_says_why(flights: FlightsProject) -> None:
    for arguments, words in (
        (("--standby", "--engine", "granian"), ("granian takes no socket", "noria or uvicorn")),
        (("--workers", "2", "--replay"), ("the caller moves the one clock", "leave --workers out")),
        (("--tls-key", "server.key"), ("wants a certificate and its key", "--tls-certificate")),
    ):
        process = flights.start("serve", *arguments, stderr=subprocess.PIPE)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        for word in words:
            assert word in said, said


@pytest.mark.parametrize("variable", ["AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT"])
def test_a_platform_tells_the_port(flights_that_ran: FlightsProject, monkeypatch, variable: str) -> None:
    port = free_port()
    monkeypatch.setenv(variable, str(port))
    process = flights_that_ran.start("serve", stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == f"noria: answering at http://0.0.0.0:{port}\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=10) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
