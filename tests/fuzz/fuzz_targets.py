"""What is fuzzed: one function a layer, which takes any bytes and raises when something is answered wrongly.

Seeds are sound requests, for the fuzzer to damage.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

TESTS = Path(__file__).parents[1]
for folder in ("serving", "serving/contracts"):  # what their tests ask with, these ask with too
    if str(TESTS / folder) not in sys.path:
        sys.path.insert(0, str(TESTS / folder))

import tiny_airline  # noqa: E402
import ways  # noqa: E402
from tiny_airline import FUNCTIONS, MODEL, MODELS, add_version, flight  # noqa: E402

from noria.serving.data_plane import DataPlane  # noqa: E402
from noria.serving.grpc.messages import Messages  # noqa: E402
from noria.serving.grpc.services import Services  # noqa: E402
from noria.serving.grpc.statuses import INTERNAL, Refused  # noqa: E402
from noria.serving.http.limits import Limits  # noqa: E402
from noria.serving.http.protocol import Connection  # noqa: E402
from noria.serving.http.server import HttpServer  # noqa: E402
from noria.serving.model import Request, Response  # noqa: E402


@dataclass(frozen=True)
class Target:
    """A layer: what takes bytes, and sound ones to begin with."""

    one: Callable[[bytes], None]
    seeds: Sequence[bytes]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None:
        """There is nothing to pause: everything is here already."""

    resume_reading = pause_reading


def http(data: bytes) -> None:
    """How the network cuts bytes changes no answer, and what comes out is responses."""
    cut = data[0] * len(data) // 256 if data else 0
    one, other = _spoken([data[1:]]), _spoken([data[1 : 1 + cut], data[1 + cut :]])
    assert _said(one) == _said(other)
    assert not one or one.startswith(b"HTTP/1.1 "), one
    assert b"HTTP/1.1 500" not in one


def _said(written: bytes) -> list[tuple[bytes, bytes]]:
    """Statuses, and bodies where there was no error: which of two errors is told first may differ."""
    answers = [part.partition(b"\r\n\r\n") for part in written.split(b"HTTP/1.1 ")[1:]]
    return [(head[:3], body if head.startswith(b"200") else b"") for head, _, body in answers]


def _spoken(pieces: Sequence[bytes]) -> bytes:
    server = HttpServer(lambda request: Response(200, request.body), Limits(head=600, headers=12, body=600))
    connection, wire = Connection(server), Wire()
    connection.connection_made(wire)
    for piece in pieces:
        if piece and not wire.closed:
            connection.data_received(piece)
    connection.connection_lost(None)
    return bytes(wire.written)


HTTP_SEEDS = [
    b"\x80GET /a%20b?c=d HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n",
    b"\x20POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nX-Id: a\r\n\r\naGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"\xb0POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n",
    b"\x40HEAD /d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"\x10POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    b"\x70GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    b"\x70POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
]


@contextmanager
def plane() -> Iterator[DataPlane]:
    """A data plane with a version in production."""
    with TemporaryDirectory() as folder:
        ws = tiny_airline.workspace(Path(folder))
        add_version(ws, promoted=True)
        served = DataPlane(ws, MODELS, FUNCTIONS)
        served.refresh()
        yield served
        served.close()
        ws.close()


def codecs(served: DataPlane) -> Target:
    """Bodies to every route that takes one: answered, or refused in the contract's words, never a fault."""
    asked = sorted(
        {(way.path, tuple(way.headers.items())) for way in ways.WAYS}
        | {(path, ()) for path in ("/feedback", "/events", "/features", "/get-online-features")}
    )

    def one(data: bytes) -> None:
        if not data:
            return
        path, headers = asked[data[0] % len(asked)]
        path, _, query = path.partition("?")
        response = served.app.begin(Request("POST", path, dict(headers), data[1:], query))
        if not isinstance(response, Response):
            response = asyncio.run(_awaited(response))
        assert response.status < 500 or response.status in (501, 503, 507), (path, data[1:], response)

    rows = [{name: value for name, value in flight(number).items() if value is not None} for number in range(2)]
    seeds = [_body(way.body(rows), asked.index((way.path, tuple(way.headers.items())))) for way in ways.WAYS]
    return Target(one, seeds)


def _body(value: Any, route: int) -> bytes:
    if isinstance(value, tuple):
        value = b"".join(value)
    return bytes([route]) + (value if isinstance(value, bytes) else json.dumps(value, default=str).encode())


async def _awaited(response: Any) -> Response:
    found: Response = await response
    return found


def grpc(served: DataPlane) -> Target:
    """Bytes as the message of any method: answered or refused, never an internal error."""
    services, messages = Services(served), Messages()
    paths = sorted([*services.methods.unary, *services.methods.streams])

    def one(data: bytes) -> None:
        if not data:
            return
        outcome = services.methods.begin(paths[data[0] % len(paths)], data[1:])
        if not isinstance(outcome, bytes | Refused):
            outcome = asyncio.run(_awaited(outcome))
        assert not (isinstance(outcome, Refused) and outcome.status == INTERNAL), data

    row = {name: value for name, value in flight(4).items() if value is not None}
    infer = {"model_name": MODEL, "inputs": [_typed(name, value) for name, value in row.items()]}
    sound = messages["inference.ModelInferRequest"](**infer).SerializeToString()
    return Target(one, [bytes([number]) + sound for number in range(len(paths))])


def _typed(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [value.encode()]}}
    return {"name": name, "datatype": "FP64", "shape": [1], "contents": {"fp64_contents": [value]}}
