"""`noria serve --workers`: several processes answer on one socket, and one of them writes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import psutil
import pytest

from flights_project import FlightsProject
from noria import Client, Patience
from noria.core.clock import monotonic, sleep
from noria.serving.log import LogReader
from noria.testing.server_process import free_port

ROW = {"origin": "JFK", "dest": "BOS", "carrier": "UA", "tailnum": None, "departs": "2013-02-21T14:00:00"}


class Several:
    """Three processes on one port."""

    def __init__(self, project: FlightsProject, process: subprocess.Popen[str], port: int) -> None:
        self.project, self.process, self.port = project, process, port
        self.stopped = False

    def stop(self) -> None:
        """Once: a second signal would be a second request to stop."""
        if not self.stopped:
            self.stopped = True
            self.process.send_signal(signal.SIGTERM)

    def client(self) -> Client:
        return Client(f"http://127.0.0.1:{self.port}", patience=Patience(deadline=60, attempts=1000))

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def follower(self, child: psutil.Process) -> bool:
        return "--follow" in child.cmdline()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    def logged(self) -> list[str]:
        records, _ = LogReader(self.project.root / ".noria" / "log").predictions()
        return sorted(one.prediction_id for one in records)


@pytest.fixture
def several(flights_that_ran: FlightsProject) -> Iterator[Several]:
    port = free_port()
    process = flights_that_ran.start("serve", "--port", str(port), "--workers", "3", stderr=subprocess.PIPE)
    served = Several(flights_that_ran, process, port)
    try:
        with served.client() as client:
            client.predict([row(0)])
        wait_for(lambda: len(served.children()) == 3)
        yield served
    finally:
        served.stop()
        _, said = process.communicate(timeout=60)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, said


def row(number: int, **more: object) -> dict[str, object]:
    return {**ROW, "flight_id": f"F{number}", "distance": 500, **more}


def wait_for(condition) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)


def test_all_of_them_answer_and_the_log_has_each_answer_once(several: Several) -> None:
    answered = []
    for number in range(60):
        status, body = several.ask("POST", "/predict", row(number))
        assert status == 200, body
        answered.append(json.loads(body)["predictions"][0]["prediction_id"])
    assert len(set(answered)) == 60
    assert set(answered) <= set(several.logged())
    metrics = several.ask("GET", "/metrics")[1].decode()
    counted = [line for line in metrics.splitlines() if line.startswith("noria_predictions_total{")]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted) == 61


def test_an_id_is_answered_once_whoever_is_asked(several: Several) -> None:
    answers = {several.ask("POST", "/predict", row(number, prediction_id="once")) for number in range(20)}
    assert len(answers) == 1
    assert several.logged().count("once") == 1
    status, body = several.ask("POST", "/feedback", {"prediction_id": "once", "label": 1})
    assert (status, json.loads(body)["accepted"]) == (200, 1), body


def test_refusals_are_the_same_everywhere_and_counted(several: Several) -> None:
    answers = {several.ask("POST", "/predict", row(number, distance="far"))[0] for number in range(20)}
    assert answers == {400}
    assert len({several.ask("GET", "/v2/models/nothing")[0] for _ in range(10)}) == 1
    wait_for(lambda: b'noria_prediction_errors_total{reason="' in several.ask("GET", "/metrics")[1])


def test_whoever_is_killed_nothing_is_lost_or_doubled(several: Several) -> None:
    answered: list[str] = []
    failures: list[Exception] = []
    stop = threading.Event()

    def load(worker: int) -> None:
        with several.client() as client:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    answered.append(client.predict([row(worker * 100_000 + number)])[0].prediction_id)
                except Exception as error:
                    failures.append(error)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(1, 4)]
    for thread in threads:
        thread.start()
    for following in (True, False, True):
        before = len(answered)
        wait_for(lambda before=before: len(answered) > before + 30)
        victim = next(one for one in several.children() if several.follower(one) is following)
        victim.kill()
        wait_for(lambda victim=victim: victim.pid not in [one.pid for one in several.children()])
        wait_for(lambda: len(several.children()) == 3)
    before = len(answered)
    wait_for(lambda: len(answered) > before + 30)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    logged = several.logged()
    assert len(set(logged)) == len(logged)
    assert set(answered) <= set(logged)


def test_what_was_accepted_is_answered_when_all_of_them_are_stopped(several: Several) -> None:
    statuses: list[int] = []

    def load(worker: int) -> None:
        number = 0
        while True:
            number += 1
            try:
                statuses.append(several.ask("POST", "/predict", row(worker * 100_000 + number))[0])
            except (OSError, http.client.HTTPException):
                return  # nobody listens any more

    threads = [threading.Thread(target=load, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(statuses) > 100)
    several.stop()
    for thread in threads:
        thread.join(60)
    assert set(statuses) == {200}
    assert len(several.logged()) == len(statuses) + 1
