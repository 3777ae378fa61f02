"""Any bytes, in any pieces: the server answers what can be answered, and the next client too."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.testing.running_http import Running, read_all, served

TOKENS = [
    b"GET", b"POST", b" ", b"/", b"/a?b", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b"Host: h\r\n", b":",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n",
    b"5\r\nhello\r\n", b"hello", b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Upgrade: h2c\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xff", b"Content-Encoding: gzip\r\n", b"A: b\r\n", b"ffffffff\r\n", b"\0",
]  # fmt: skip
CUTS = st.lists(st.integers(0, 500), max_size=12)
WHOLE = [
    b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    b"HEAD /d HTTP/1.1\r\nHost: h\r\n\r\n",
]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with served(head=2_000, body=2_000) as one:
        yield one


def say(running: Running, raw: bytes, cuts: list[int]) -> bytes:
    """Send in pieces, end, and read to the end."""
    with running.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        edges = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
        try:
            for start, end in pairwise(edges):
                connection.sendall(raw[start:end])
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)
        except OSError:  # it was refused before all of it was sent
            return b""


@given(st.lists(st.sampled_from(TOKENS) | st.binary(max_size=20), max_size=30), CUTS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_the_next_client_is_answered(running: Running, tokens: list[bytes], cuts: list[int]) -> None:
    said = say(running, b"".join(tokens), cuts)
    assert not said or said.startswith(b"HTTP/1.1 "), said
    assert b"HTTP/1.1 500" not in said
    assert say(running, WHOLE[0], []).startswith(b"HTTP/1.1 200")
    assert len(running.server.connections) <= 2


@given(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=6), CUTS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_how_the_network_cuts_requests_changes_no_answer(running: Running, asked: list[bytes], cuts: list[int]) -> None:
    one, other = (_bodies(say(running, b"".join(asked), edges)) for edges in ([], cuts))
    assert one == other
    assert len(one) == len(asked)


def _bodies(said: bytes) -> list[bytes]:
    """The responses without what differs each time."""
    found = []
    for response in said.split(b"HTTP/1.1 ")[1:]:
        head, _, body = response.partition(b"\r\n\r\n")
        found.append(head.partition(b"\r\ndate")[0] + body)
    return found


def test_bytes_that_were_requests_before_they_were_damaged(running: Running) -> None:
    draw = random.Random(5)
    for _ in range(300):
        raw = bytearray(b"".join(draw.choices(WHOLE, k=3)))
        for _ in range(draw.randint(1, 4)):
            raw[draw.randrange(len(raw))] = draw.randrange(256)
        said = say(running, bytes(raw), [])
        assert b"HTTP/1.1 500" not in said
    assert say(running, WHOLE[1], []).startswith(b"HTTP/1.1 200")
