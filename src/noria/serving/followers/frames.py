"""What a follower and the leader say to each other: MessagePack behind four bytes of length, over a Unix socket."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from noria.core.errors import Corrupt, NoriaError
from noria.serving.model import PredictionRecord

_LENGTH = struct.Struct("<I")
_MOST_BYTES = 128 << 20


class Keep(msgspec.Struct, tag=True, frozen=True):
    """Write these into the log. `given` are the ids that callers chose, which may be there already."""

    number: int
    records: list[PredictionRecord]
    given: list[str]


class Forward(msgspec.Struct, tag=True, frozen=True):
    """Answer this HTTP request."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: str


class Call(msgspec.Struct, tag=True, frozen=True):
    """Answer this gRPC call."""

    number: int
    path: str
    body: bytes


class Failed(msgspec.Struct, tag=True, frozen=True):
    """A request was refused here: count it. Nobody answers this."""

    number: int
    reason: str


Said = Keep | Forward | Call | Failed


class Kept(msgspec.Struct, tag=True, frozen=True):
    """They are in the log; `earlier` are answers that were there before, by id, and count instead."""

    number: int
    earlier: dict[str, PredictionRecord]


class Answered(msgspec.Struct, tag=True, frozen=True):
    """The response to a request."""

    number: int
    status: int
    body: bytes
    content_type: str
    headers: dict[str, str]


class Called(msgspec.Struct, tag=True, frozen=True):
    """The message that answers a call, or its status and sentence."""

    number: int
    body: bytes = b""
    status: int = 0
    message: str = ""


class Refusal(msgspec.Struct, tag=True, frozen=True):
    """What could not be done, and why: the code, sentence, advice and HTTP status of an error."""

    number: int
    code: str
    message: str
    hint: str
    status: int

    @classmethod
    def of(cls, number: int, error: NoriaError) -> Refusal:
        """An error as it travels."""
        return cls(number, error.code, error.message, error.hint, error.status)


Reply = Kept | Answered | Called | Refusal

_encoder = msgspec.msgpack.Encoder()
said_decoder = msgspec.msgpack.Decoder(Said)
reply_decoder = msgspec.msgpack.Decoder(Reply)


class LeaderRefused(NoriaError):
    """What the leader could not do; with the leader's own code and status."""

    code = "N6080"

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message, hint=refusal.hint)
        self.code = refusal.code
        self.status = refusal.status


def packed(message: Said | Reply) -> bytes:
    """A message as bytes. Raises OverflowError for a whole number beyond 64 bits."""
    data = _encoder.encode(message)
    return _LENGTH.pack(len(data)) + data


class Unpacking:
    """Whole messages out of the pieces in which they come."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole now. Raises Corrupt for one that is too long to be one."""
        self._data += data
        at = 0
        while len(self._data) - at >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._data, at)
            if size > _MOST_BYTES:
                raise Corrupt(f"a message of {size:,} bytes between processes of one server")
            if len(self._data) - at - _LENGTH.size < size:
                break
            yield bytes(self._data[at + _LENGTH.size : at + _LENGTH.size + size])
            at += _LENGTH.size + size
        del self._data[:at]
