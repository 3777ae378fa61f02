"""The HTTP layer by bare sockets: what is answered, in which order, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import zlib

import pytest

from noria.serving.model import Response
from noria.testing.running_http import echo, read_all, read_one

GET = b"GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def post(body: bytes, *headers: bytes, path: bytes = b"/p") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"POST %b HTTP/1.1" % path, b"Host: h", length, *headers, b"", body])


def status(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


def told(body: bytes) -> dict:
    return json.loads(body)


def test_a_request_arrives_whole_and_its_answer_has_an_id_a_date_and_a_length(serve) -> None:
    with serve().connect() as connection:
        connection.sendall(post(b"hello", b"X-Request-Id: mine", path=b"/a%20b?c=%20"))
        head, body = read_one(connection)
    assert status(head) == 200
    assert b"x-request-id: mine" in head
    assert b"date: " in head
    heard = told(body)
    assert (heard["path"], heard["query"], heard["body"]) == ("/a b", "c=%20", "hello")
    assert heard["headers"]["x-request-id"] == "mine"


def test_a_hostile_request_id_is_not_sent_back(serve) -> None:
    with serve().connect() as connection:
        connection.sendall(post(b"", b"X-Request-Id: " + b"x" * 200))
        head, _ = read_one(connection)
    assert b"x" * 200 not in head


def test_requests_sent_at_once_are_answered_in_their_order_though_the_first_takes_longer(serve) -> None:
    async def later(request) -> Response:
        await asyncio.sleep(0.05)
        return echo(request)

    running = serve(lambda request: later(request) if request.path == "/slow" else echo(request))
    slow = b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"
    said = running.say(slow + GET + slow + LAST)
    assert [told(part.rpartition(b"\r\n\r\n")[2] + b"}")["path"] for part in said.split(b"}HTTP/1.1")[:-1]] == [
        "/slow", "/a", "/slow",
    ]  # fmt: skip
    assert said.endswith(b'"body":""}')


def test_more_pipelined_requests_than_may_wait_are_all_answered(serve) -> None:
    async def later(request) -> Response:
        return echo(request)

    assert serve(later, pipelined=4).say(GET * 300 + LAST).count(b"HTTP/1.1 200 OK") == 301


def test_a_body_in_chunks_is_put_together_and_trailers_are_not_headers(serve) -> None:
    head = b"POST /long/path?query HTTP/1.1\r\nHost: host\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in b"many small ones") + b"0\r\nX-Late: 1\r\n\r\n"
    with serve().connect() as connection:
        for byte in head + chunks:
            connection.sendall(bytes([byte]))
        _, body = read_one(connection)
    heard = told(body)
    assert (heard["path"], heard["query"], heard["body"]) == ("/long/path", "query", "many small ones")
    assert heard["headers"] == {"host": "host", "transfer-encoding": "chunked"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\nhello", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: h\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\x00c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"NONSENSE / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"b" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"b" * 40_000, 431),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + b"x" * 2000, 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n", 417),
    ],
)  # fmt: skip
def test_what_two_readers_could_read_in_two_ways_is_refused_and_nothing_behind_it_is_read(serve, raw, code) -> None:
    running = serve(body=1000)
    said = running.say(GET + raw + LAST)
    assert said.count(b"HTTP/1.1 ") == 2, said
    refused = said[said.index(b"HTTP/1.1 ", 5) :]
    assert status(refused) == code
    assert b"connection: close" in refused
    assert told(refused.partition(b"\r\n\r\n")[2])["code"].startswith("N60")
    assert b"/last" not in said
    assert running.say(LAST).startswith(b"HTTP/1.1 200")


def test_a_body_larger_than_its_length_begins_no_other_request(serve) -> None:
    said = serve().say(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab" + b"cdefg\r\n\r\n")
    assert said.count(b"HTTP/1.1 200") == 1
    assert said.count(b"HTTP/1.1 400") == 1


def test_a_client_that_asks_first_is_told_to_go_on_or_not_to(serve) -> None:
    running = serve(body=1000)
    with running.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert told(read_one(connection)[1])["body"] == "ab"
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n")
        assert status(read_one(connection)[0]) == 413


def test_head_has_the_length_and_no_body(serve) -> None:
    said = serve().say(b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    head, _, body = said.partition(b"\r\n\r\n")
    assert int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]) > 10
    assert body == b""


def test_an_old_client_is_answered_and_left(serve) -> None:
    with serve().connect() as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"connection: close" in read_all(connection)


def test_an_upgrade_is_declined_by_answering(serve) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    assert serve().say(b"GET / HTTP/1.1\r\nHost: h\r\n" + upgrade + b"\r\n").startswith(b"HTTP/1.1 200")


def test_compressed_bodies_are_unpacked_up_to_the_limit(serve) -> None:
    running = serve(body=10_000)
    for coding, packed in ((b"gzip", gzip.compress(b"plain")), (b"deflate", zlib.compress(b"plain"))):
        with running.connect() as connection:
            connection.sendall(post(packed, b"Content-Encoding: " + coding))
            assert told(read_one(connection)[1])["body"] == "plain"
    bomb = gzip.compress(bytes(9_000_000))
    for packed, coding, code in (
        (bomb, b"gzip", 413),
        (gzip.compress(bomb), b"gzip,gzip", 413),
        (b"no gzip", b"gzip", 400),
        (gzip.compress(b"plain")[:-9], b"gzip", 400),
        (b"x", b"br", 415),
    ):
        with running.connect() as connection:
            connection.sendall(post(packed, b"Content-Encoding: " + coding))
            assert status(read_one(connection)[0]) == code


def test_long_answers_are_compressed_for_those_who_take_it(serve) -> None:
    running = serve(lambda _: Response(200, b"x" * 100_000))
    for accepted, packed in ((b"gzip, br", True), (b"br, *;q=0.5", True), (b"gzip;q=0", False), (b"br", False)):
        with running.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: " + accepted + b"\r\n\r\n")
            head, body = read_one(connection)
        assert (b"content-encoding: gzip" in head) == packed
        assert (gzip.decompress(body) if packed else body) == b"x" * 100_000


def test_a_header_value_cannot_end_the_head(serve) -> None:
    said = serve(lambda _: Response(200, b"", headers={"a": "b\r\nset-cookie: c", "good": "1"})).say(LAST)
    assert b"set-cookie" not in said
    assert b"good: 1" in said


@pytest.mark.parametrize("begun", [b"GET / HTT", b"GET / HTTP/1.1\r\nHost: h\r\n", post(b"hello")[:-1]])
def test_a_request_that_does_not_come_to_its_end_is_told_so(serve, begun) -> None:
    running = serve(request_seconds=0.2)
    with running.connect() as connection:
        connection.sendall(begun)
        assert status(read_all(connection)) == 408


def test_a_client_that_goes_away_in_the_middle_harms_nobody(serve) -> None:
    running = serve()
    for cut in range(1, len(post(b"hello"))):
        connection = running.connect()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset, not an end
        connection.sendall(post(b"hello")[:cut])
        connection.close()
    assert running.say(LAST).startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_read_is_left_after_a_while(serve) -> None:
    gone = threading.Event()
    running = serve(lambda _: Response(200, b"x" * 5_000_000), stalled_seconds=0.5)
    lost = running.server.lost
    running.server.lost = lambda one: (lost(one), gone.set())
    connection = running.connect()
    connection.sendall(GET * 20)
    assert gone.wait(20)
    connection.close()


def test_more_connections_than_there_is_place_for_are_told_to_come_back(serve) -> None:
    running = serve(connections=2)
    with running.connect() as first, running.connect() as second:
        for one in (first, second):
            one.sendall(GET)
            read_one(one)
        with running.connect() as third:
            head, _, _ = read_all(third).partition(b"\r\n\r\n")
    assert status(head) == 503
    assert b"retry-after: " in head


def test_more_waiting_requests_than_there_is_place_for_are_told_to_come_back(serve) -> None:
    go_on: list[asyncio.Event] = []

    async def later(request) -> Response:
        go_on.append(asyncio.Event())
        await go_on[-1].wait()
        return echo(request)

    running = serve(later, waiting=2)
    held = [running.connect() for _ in range(2)]
    for one in held:
        one.sendall(GET)
    while len(go_on) < 2:
        threading.Event().wait(0.01)
    with running.connect() as third:
        third.sendall(GET)
        assert status(read_one(third)[0]) == 503
    for event in go_on:
        running._loop.call_soon_threadsafe(event.set)
    for one in held:
        assert status(read_one(one)[0]) == 200
        one.close()


def test_an_idle_connection_is_closed_after_a_while(serve) -> None:
    with serve(idle_seconds=0.2).connect() as connection:
        connection.sendall(GET)
        read_one(connection)
        assert connection.recv(1) == b""


def test_a_drain_answers_what_was_begun_and_takes_nothing_new(serve) -> None:
    entered, go_on = threading.Event(), []

    async def later(request) -> Response:
        go_on.append(asyncio.Event())
        entered.set()
        await go_on[0].wait()
        return echo(request)

    running = serve(later)
    idle = running.connect()
    with running.connect() as connection:
        connection.sendall(GET)
        assert entered.wait(20)
        running.begin_stop()
        assert idle.recv(1) == b""
        running._loop.call_soon_threadsafe(go_on[0].set)
        head, body = read_one(connection)
        assert b"connection: close" in head
        assert told(body)["path"] == "/a"
        assert connection.recv(1) == b""
    running._thread.join(20)
    with pytest.raises(ConnectionRefusedError):
        running._listening.close()
        running.connect()


def test_a_drain_does_not_wait_for_ever(serve) -> None:
    entered = threading.Event()

    async def never(_) -> Response:
        entered.set()
        await asyncio.Event().wait()

    running = serve(never, drain_seconds=0.3)
    with running.connect() as connection:
        connection.sendall(GET)
        assert entered.wait(20)
        running.begin_stop()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
            raise ConnectionResetError  # an end instead of a reset is as good
