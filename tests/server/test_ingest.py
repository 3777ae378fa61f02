"""The door for Noria's own client, over real HTTP: what it takes, and what it refuses whatever comes in."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket

import msgspec
import pytest

from noria.core.digest import digest_bytes
from noria.core.errors import Unavailable
from noria.testing.ingest_server import IngestServer
from noria.testing.workspace import NOON, make_workspace
from noria.tracking.answers import Damaged, Gap
from noria.tracking.client.destination import ServerDestination
from noria.tracking.history import whole
from noria.tracking.records import Begun, Row, encode

BEGUN = encode(Begun("run_1", "s", NOON))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with IngestServer(tmp_path_factory.mktemp("door")) as one:
        yield one


@pytest.fixture
def to(server):
    destination = ServerDestination(server.url)
    yield destination
    destination.close()


def ask(server, method, target, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, target, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if data else None


def test_batches_are_taken_in_and_counted(server, to):
    rows = [encode(Row("run_a", step, step, {"x": step / 2})) for step in range(5_000)]
    assert to.position("a") == 0
    assert to.take("a", 0, [encode(Begun("run_a", "a", NOON)), *rows]).position == 5_001
    assert to.take("a", 0, rows[:1]).position == 5_001
    with pytest.raises(Gap) as told:
        to.take("a", 5_002, rows[:1])
    assert (told.value.position, to.position("a")) == (5_001, 5_001)
    ws = make_workspace(server.root)
    assert whole(ws, "run_a", "x").value.tolist() == [step / 2 for step in range(5_000)]
    ws.close()


def test_a_refused_record_is_told_with_its_reason(to):
    taken = to.take("refusing", 0, [BEGUN, b"no record", encode(Row("run_1", 1, 1, {"x": 1.0}))])
    assert taken.position == 3
    assert [one.position for one in taken.refused] == [1]


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/api/noria/ingest", None, 400),
        ("GET", "/api/noria/ingest?spool=" + "x" * 65, None, 400),
        ("GET", "/api/noria/ingest?spool=%00", None, 400),
        ("GET", "/api/noria/ingest?spool=%ff%fe", None, 400),
        ("DELETE", "/api/noria/ingest?spool=a", None, 405),
        ("POST", "/api/noria/ingest?spool=b", b"\x90", 400),
        ("POST", "/api/noria/ingest?spool=b&first=-1", b"\x90", 400),
        ("POST", "/api/noria/ingest?spool=b&first=1e3", b"\x90", 400),
        ("POST", "/api/noria/ingest?spool=b&first=" + "9" * 30, b"\x90", 400),
        ("POST", "/api/noria/ingest?spool=b&first=%D9%A1", b"\x90", 400),
        ("POST", "/api/noria/ingest?spool=b&first=0", b"", 400),
        ("POST", "/api/noria/ingest?spool=b&first=0", b"{}", 400),
        ("POST", "/api/noria/ingest?spool=b&first=0", b"\xdd\xff\xff\xff\xff", 400),
        ("POST", "/api/noria/ingest?spool=b&first=0", msgspec.msgpack.encode([1, 2]), 400),
        ("POST", "/api/noria/ingest?spool=b&first=7", b"\x90", 409),
        ("POST", "/api/noria/ingest?spool=b&first=0", b"\x90", 200),
        ("HEAD", "/api/noria/blobs/" + "0" * 64, None, 404),
        ("HEAD", "/api/noria/blobs/../../etc/passwd", None, 400),
        ("PUT", "/api/noria/blobs/%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"x", 400),
        ("PUT", "/api/noria/blobs/" + "G" * 64, b"x", 400),
        ("PUT", "/api/noria/blobs/" + "0" * 63, b"x", 400),
        ("PUT", "/api/noria/blobs/", b"x", 400),
        ("PUT", "/api/noria/blobs/" + "0" * 64, b"not those bytes", 400),
        ("GET", "/api/noria/blobs/" + "0" * 64, None, 405),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(server, method, target, body, status):
    assert ask(server, method, target, body)[0] == status
    assert server.answers()


def test_a_body_larger_than_taken_is_refused_before_it_is_read_and_a_client_sends_less(server, to):
    status, answer = ask(server, "POST", "/api/noria/ingest?spool=large&first=0", b"\xc4" * (33 << 20))
    assert (status, answer["code"]) == (413, "N7140")
    assert server.answers()


def test_files_are_brought_once_and_only_when_they_are_what_was_said(server, to, tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(os.urandom(3 << 20))
    digest = digest_bytes(file.read_bytes())
    to.put_file(digest, file)
    ws = make_workspace(server.root)
    assert ws.blobs.get(digest) == file.read_bytes()
    to.put_file(digest, tmp_path / "not there, and not needed")
    with pytest.raises(Damaged):
        to.put_file("0" * 64, file)
    assert not ws.blobs.exists("0" * 64)
    assert list(ws.folder("incoming").iterdir()) == []
    ws.close()


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(server):
    for target in ("POST /api/noria/ingest?spool=gone&first=0", "PUT /api/noria/blobs/" + "1" * 64):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(f"{target} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode() + b"x" * 1000)
    assert server.answers()
    ws = make_workspace(server.root)
    while list(ws.folder("incoming").iterdir()):
        assert server.answers()
    assert not ws.blobs.exists("1" * 64)
    ws.close()


def test_a_full_disk_of_the_server_is_no_fault_of_the_client(tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(os.urandom(3 << 20))
    digest = digest_bytes(file.read_bytes())
    with IngestServer(tmp_path / "small") as small:
        to = ServerDestination(small.url)
        resource.prlimit(small.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        with pytest.raises(Unavailable):  # the server says 507, unless it hangs up before the client listens
            to.put_file(digest, file)
        resource.prlimit(small.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        to.put_file(digest, file)
        assert list((tmp_path / "small" / ".noria" / "incoming").iterdir()) == []
        to.close()
