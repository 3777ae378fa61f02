"""`noria ingest`: a real Redis stream into a running `noria serve`, with both of them killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from flights_project import FlightsProject
from noria.core.clock import SystemClock
from noria.testing.redis_server import RedisServer
from noria.testing.server_process import free_port
from noria.testing.stream_suite import departures, wait_for, wait_until

TEN_MINUTES = 600_000_000
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(flights: FlightsProject) -> Iterator[Start]:
    """Starts `noria` in the project and waits for its word that it is ready; ends what is left."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = flights.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        said = []
        for line in process.stderr:  # until it says that it is ready, or ends
            said.append(line)
            if line.startswith("noria: "):
                return process
        raise AssertionError("".join(said))

    yield begin
    for process in started:
        if process.poll() is None:
            kill(process)
        process.stdout.close()
        process.stderr.close()


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stop(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return said


def event(origin: str, delay: object) -> dict[str, bytes]:
    left_at = SystemClock().now() - TEN_MINUTES
    return {"data": json.dumps({"origin": origin, "left_at": left_at, "delay": delay}).encode()}


def publish(broker: RedisServer, topic: str, messages: list[dict[str, bytes]]) -> str:
    """Gives the address of the stream."""
    with broker.client() as client:
        pipeline = client.pipeline()
        for one in messages:
            pipeline.xadd(topic, one)
        pipeline.execute()
    return f"redis://127.0.0.1:{broker.port}/{topic}?group=features&idle_ms=500"


def test_killed_and_started_again_it_loses_nothing_and_counts_nothing_twice(
    start: Start, redis_server: RedisServer, flights: FlightsProject
) -> None:
    port = str(free_port())
    plane = f"http://127.0.0.1:{port}"
    server = start("serve", "--port", port)
    address = publish(redis_server, "ingest_killed", [event("JFK", number % 60) for number in range(2000)])
    ingest = ("ingest", "Departure", "--from", address, "--to", plane, "--batch", "40")
    first = start(*ingest)
    wait_until(lambda: departures(plane, "JFK") >= 200)
    kill(first)
    second = start(*ingest)
    wait_until(lambda: departures(plane, "JFK") >= 600)
    kill(server)
    start("serve", "--port", port)
    wait_for(plane, "JFK", 2000)
    publish(redis_server, "ingest_killed", [event("JFK", 1)])
    wait_for(plane, "JFK", 2001)
    assert " taken in, " in stop(second)
    assert not (flights.root / ".noria" / "dead_letters").exists() or not list(flights.root.glob(".noria/dead_*/*"))


def test_a_message_that_cannot_be_read_goes_to_the_file_of_dead_letters(
    start: Start, redis_server: RedisServer, flights: FlightsProject
) -> None:
    port = str(free_port())
    start("serve", "--port", port)
    poison = [{"data": b"{"}, {"data": b"\xff\xfe"}, event("EWR", "late"), event("EWR", 10**6)]
    messages = [event("EWR", 5.0), *poison, event("EWR", 7.0)]
    address = publish(redis_server, "ingest_poison", messages)
    ingest = start("ingest", "Departure", "--from", address, "--to", f"http://127.0.0.1:{port}", "--json")
    wait_for(f"http://127.0.0.1:{port}", "EWR", 2)
    file = flights.root / ".noria" / "dead_letters" / "Departure.jsonl"
    wait_until(lambda: file.exists() and len(file.read_bytes().splitlines()) == len(poison))
    assert json.loads(stop(ingest)) == {"taken": 2, "repeated": 0, "dead": 4, "waits": 0}
    letters = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert {letter["source"] for letter in letters} == {"Departure"}
    assert all(letter["reason"] for letter in letters)
    assert any("lies above 2880" in letter["reason"] for letter in letters)


def test_what_cannot_begin_says_why(flights: FlightsProject) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/departures"
    for arguments, words in (
        (("Departure", "--from", nobody), ("[N6016]", "cannot be read", "is the broker up")),
        (("Departre", "--from", nobody), ("there is no source 'Departre'", "did you mean 'Departure'?")),
        (("Departure", "--from", "reddis://127.0.0.1/x"), ("[N6015]", "did you mean 'redis'?")),
    ):
        process = flights.start("ingest", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "Traceback" not in errors
        for word in words:
            assert word in errors, errors
