"""What a server and a worker say to each other: MessagePack behind its length (4 bytes, big-endian), over a socket.

A conversation is strictly one question, one answer; the worker says `Ready` or `Refused` first.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgspec

from noria.core.errors import Corrupt
from noria.features.model import InputColumn

_LENGTH = struct.Struct(">I")
_MOST_BYTES = 1 << 30


class Open(msgspec.Struct, tag=True, frozen=True):
    """The model a worker is for: the file it lies in (named by its digest), and how it wants its rows.

    `imports` is the server's module search path: a model may be of the project's own classes. `memory` limits the
    worker's address space, in bytes.
    """

    path: str
    columns: tuple[InputColumn, ...]
    frame: str
    task: str
    imports: tuple[str, ...]
    memory: int | None = None


class Batch(msgspec.Struct, tag=True, frozen=True):
    """Rows to answer, by column."""

    columns: dict[str, list[Any]]


class Describe(msgspec.Struct, tag=True, frozen=True):
    """Which trees does the model end in?"""


class Prepare(msgspec.Struct, tag=True, frozen=True):
    """What features do these rows, by column, become for those trees?"""

    columns: dict[str, list[Any]]


class Ready(msgspec.Struct, tag=True, frozen=True):
    """The model is in memory; `kind` is its class."""

    kind: str


class Answers(msgspec.Struct, tag=True, frozen=True):
    """Answers to a batch, in its order: little-endian float64."""

    values: bytes


class Described(msgspec.Struct, tag=True, frozen=True):
    """A packed ensemble; no bytes where the model ends in none that is known."""

    ensemble: bytes


class Prepared(msgspec.Struct, tag=True, frozen=True):
    """A matrix of features, little-endian by rows: its NumPy type, its number of columns."""

    kind: str
    width: int
    values: bytes


class Refused(msgspec.Struct, tag=True, frozen=True):
    """The model raised, or cannot be opened."""

    message: str


Message = Open | Batch | Describe | Prepare | Ready | Answers | Described | Prepared | Refused
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def send(connection: socket.socket, message: Message) -> None:
    """Send a message. Raises OSError."""
    body = _encoder.encode(message)
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive(connection: socket.socket) -> Message:
    """The next message. Raises EOFError when the other end is gone, OSError, Corrupt for what is none."""
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    if length > _MOST_BYTES:
        raise Corrupt(f"a message of {length:,} bytes between server and worker")
    try:
        return _decoder.decode(_exactly(connection, length))
    except msgspec.MsgspecError as error:
        raise Corrupt(f"no message between server and worker: {error}") from error


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = connection.recv(min(size - len(found), 1 << 20))
        if not piece:
            raise EOFError("the other end is gone")
        found += piece
    return bytes(found)
