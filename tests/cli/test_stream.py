"""`noria stream`: requests by Redis answered into another stream, by a data plane in the process."""

from __future__ import annotations

import json
import os
import signal
import subprocess

from flights_project import FlightsProject
from noria.testing.redis_server import RedisServer
from noria.testing.server_process import free_port
from noria.testing.stream_suite import wait_until

ROW = {"origin": "JFK", "dest": "BOS", "carrier": "UA", "tailnum": None, "departs": "2013-02-21T14:00:00"}


def test_requests_are_answered_under_their_ids(flights_that_ran: FlightsProject, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        for number in range(50):
            row = {**ROW, "flight_id": f"S{number}", "distance": 100 + number}
            client.xadd("cli_asked", {"data": json.dumps(row)})
        client.xadd("cli_asked", {"data": "{"})
        address = f"redis://127.0.0.1:{redis_server.port}"
        arguments = (
            "--from",
            f"{address}/cli_asked",
            "--to",
            f"{address}/cli_answered",
            "--key",
            "flight_id",
            "--json",
        )
        process = flights_that_ran.start(
            "stream", "lateness", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        dead = flights_that_ran.root / ".noria" / "dead_letters" / "lateness.jsonl"
        try:
            wait_until(lambda: client.xlen("cli_answered") >= 50 and dead.exists())
            process.send_signal(signal.SIGTERM)
            said, errors = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, errors
        assert json.loads(said) == {"answered": 50, "dead": 1, "waits": 0}
        answers = {entry[b"key"]: json.loads(entry[b"data"]) for _, entry in client.xrange("cli_answered")}
    assert len(answers) == 50
    assert {one["version"] for one in answers.values()} == {1}
    assert all(0 <= one["output"] <= 1 for one in answers.values())


def test_what_cannot_begin_says_why(flights: FlightsProject, redis_server: RedisServer) -> None:
    nobody, there = f"redis://127.0.0.1:{free_port()}/x", f"redis://127.0.0.1:{redis_server.port}/x"
    for arguments, words in (
        (("lateness", "--from", there, "--to", nobody), ("[N6016]", "cannot be written", "is the broker up")),
        (("latenes", "--from", there, "--to", there), ("did you mean 'lateness'?",)),
        (("lateness", "--from", there, "--to", "rediss://x/y"), ("[N6015]", "did you mean 'redis'?")),
    ):
        process = flights.start("stream", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "Traceback" not in errors
        for word in words:
            assert word in errors, errors
