"""Both clients against real servers, which are killed, stopped and restarted under them."""

from __future__ import annotations

import asyncio
import inspect
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import tiny_airline
from tiny_airline import add_version, flight

import noria
from noria.config.environment import environment
from noria.core.clock import monotonic
from noria.core.errors import BadInput
from noria.serving.client.model import NoAnswer, Refused
from noria.serving.log import LogReader, log_path


class Server:
    """A data plane in a process, on a port that stays its own."""

    def __init__(self, root: Path) -> None:
        ws = tiny_airline.workspace(root)
        add_version(ws, promoted=True)
        ws.close()
        self.root, self._port = root, 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, tiny_airline.__file__, str(self.root), f"port={self._port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        self.url = self.process.stdout.readline().strip()
        self._port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def logged(self) -> list[str]:
        ws = tiny_airline.workspace(self.root)
        found = [one.prediction_id for one in LogReader(log_path(ws)).predictions()[0]]
        ws.close()
        return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path / "one")
    yield one
    with suppress(ProcessLookupError):
        one.process.send_signal(signal.SIGCONT)
    one.kill()


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path / "two")
    yield one
    one.kill()


class Both:
    """The two clients behind one face: coroutines are run to their end."""

    def __init__(self, kind: type, *arguments: object, **options: object) -> None:
        self._runner = asyncio.Runner()
        self._client = kind(*arguments, **options)

    def __getattr__(self, name: str) -> object:
        def call(*arguments: object, **options: object) -> object:
            found = getattr(self._client, name)(*arguments, **options)
            return self._runner.run(found) if inspect.iscoroutine(found) else found

        return call


@pytest.fixture(params=[noria.Client, noria.AsyncClient], ids=["sync", "async"])
def client(request: pytest.FixtureRequest) -> Iterator[type]:
    """`client(url, ...)` is one of the two kinds."""
    made: list[Both] = []

    def make(*arguments: object, **options: object) -> Both:
        made.append(Both(request.param, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_row_and_several_rows_their_feedback_and_their_features(server, client):
    ask = client(server.url)
    one = ask.predict(flight(1))
    assert (one.model, one.version) == ("lateness", 1)
    assert 0 <= one.output <= 1
    many = ask.predict([flight(1), flight(2)], model="lateness")
    assert many[0].output == one.output
    ask.feedback(one.prediction_id, label=1)
    ask.feedback(one.prediction_id, label=1)
    assert ask.features(["Airport"], [{"origin": "JFK"}])[0]["Airport.departures"] == 0
    assert ask.predict(flight(1, prediction_id="mine")).prediction_id == "mine"


def test_what_the_server_refuses_is_told_with_its_words_and_not_sent_again(server, client):
    with pytest.raises(Refused, match="origin") as told:
        client(server.url).predict({"flight_id": "UA1"})
    assert (told.value.http_status, told.value.told["code"]) == (400, told.value.told["code"])
    with pytest.raises(Refused, match="no model"):
        client(server.url).predict(flight(1), model="latenes")


def test_a_server_killed_every_moment_costs_the_caller_nothing_but_time(server, client):
    stop = threading.Event()

    def killing() -> None:
        while not stop.wait(0.7):
            server.kill()
            server.start()

    thread = threading.Thread(target=killing)
    ask = client(server.url, patience=noria.Patience(deadline=60, attempts=500))
    thread.start()
    try:
        answers, end = [], monotonic() + 6
        while monotonic() < end:
            answers += ask.predict([flight(len(answers) + number) for number in range(3)])
    finally:
        stop.set()
        thread.join()
    assert len(answers) > 30
    logged = server.logged()
    assert len(set(logged)) == len(logged)
    assert {one.prediction_id for one in answers} <= set(logged)


def test_the_next_server_answers_when_the_first_is_not_there(server, second, client):
    ask = client([server.url, second.url])
    server.kill()
    assert ask.predict(flight(1)).model == "lateness"


def test_a_server_that_hangs_is_hedged(server, second, client):
    ask = client([server.url, second.url], patience=noria.Patience(deadline=20, hedge_after=0.1))
    ask.predict(flight(1))
    server.process.send_signal(signal.SIGSTOP)
    started = monotonic()
    for number in range(5):
        assert ask.predict(flight(number)).model == "lateness"
    assert monotonic() - started < 10, "without a hedge each would have waited twenty seconds"
    server.process.send_signal(signal.SIGCONT)


def test_a_deadline_is_kept(client):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NoAnswer, match="ReadTimeout"):
            client(url, patience=noria.Patience(deadline=0.5)).predict(flight(1))
        assert monotonic() - started < 5


@pytest.fixture
def saying():
    """`saying(bytes, ...)` is a server that answers each connection with the next of these and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def start(*answers: bytes) -> tuple[str, list[bytes]]:
        def serve() -> None:
            for one in answers:
                with suppress(OSError):
                    there, _ = listening.accept()
                    with there:
                        heard.append(whole(there))
                        there.sendall(one)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}", heard

    yield start
    listening.close()


def whole(there: socket.socket) -> bytes:
    """A request to the last byte of its body."""
    data = b""
    while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < length(data):
        data += there.recv(1 << 16)
    return data


def length(data: bytes) -> int:
    return int(data.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


GOOD = b'{"predictions": [{"prediction_id": "p", "output": 0.5, "version": 1, "model": "m"}]}'


def test_a_busy_server_is_left_alone_for_as_long_as_it_says(saying, client):
    url, heard = saying(http(429, b"{}", "Retry-After: 1"), http(503, b"no json"), http(200, GOOD))
    started = monotonic()
    assert client(url).predict(flight(1)).output == 0.5
    assert monotonic() - started >= 1
    assert len({one[one.index(b'"prediction_id"') :][:60] for one in heard}) == 1, "each time with the same id"


@pytest.mark.parametrize(
    "answer", [b"", b"\x00\xff", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", http(200, b"{")]
)
def test_an_answer_that_is_none(saying, client, answer):
    url, _ = saying(answer, answer, answer)
    with pytest.raises(NoAnswer, match="after 3 attempts"):
        client(url, patience=noria.Patience(attempts=3)).predict(flight(1))


def test_addresses_and_patience_that_are_none(client):
    for urls in ("localhost:8400", [], ["ftp://a"]):
        with pytest.raises(BadInput):
            client(urls)
    with pytest.raises(BadInput):
        noria.Patience(deadline=0)
