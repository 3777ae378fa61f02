"""Headers of gRPC calls over HTTP/2: what a block asks for, and the blocks of answers, which are always the same bytes.

A client's first call teaches HPACK's table its headers; its next ones are the same few index bytes. Such a block is
looked up whole, for as long as the table has not changed. What we send never touches the other side's table.
Sources: RFC 7541 (HPACK), github.com/grpc/grpc `doc/PROTOCOL-HTTP2.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hpack import Decoder
from hpack.exceptions import HPACKError

from noria.serving.grpc.frames import COMPRESSION_ERROR, Fault
from noria.serving.request_ids import HEADER, valid_id

MOST_HEADERS = 16 << 10
"""Bytes of a header list, unpacked; and of a block, packed."""
_MOST_KNOWN = 64
_ID = HEADER.encode()
_TRACE = (b"traceparent", b"tracestate")
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


@dataclass(frozen=True)
class Head:
    """A call: its path, seconds until its deadline, its messages' encoding. `wrong` is an HTTP status that ends it.

    `id` is the caller's for its request, "" for none; `trace` the headers of W3C Trace Context.
    """

    path: str
    timeout: float | None
    encoding: str
    wrong: int = 0
    id: str = ""
    trace: Mapping[str, str] = field(default_factory=dict)


class HeadReader:
    """Reads the header blocks of one connection, all of them and in order."""

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=MOST_HEADERS)
        self._known: dict[bytes, Head] = {}

    def read(self, block: bytes) -> Head:
        """What a block asks for. Raises Fault for bytes that are no headers."""
        head = self._known.get(block)
        if head is not None:
            return head
        table = self._decoder.header_table
        before, size = list(table.dynamic_entries), table.maxsize
        try:
            headers = self._decoder.decode(block, raw=True)
        except HPACKError as error:
            raise Fault(COMPRESSION_ERROR, f"the headers cannot be unpacked: {error}") from None
        head = _head(headers)
        after = table.dynamic_entries
        if size != table.maxsize or len(before) != len(after) or (before and before[0] is not after[0]):
            self._known.clear()  # whatever enters the table becomes its first entry
        elif len(self._known) < _MOST_KNOWN:
            self._known[block] = head
        return head


def _head(headers: Iterable[Any]) -> Head:
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in fields and name[:1] == b":":
            return Head("", None, "", 400)
        fields[bytes(name)] = bytes(value)
    path = fields.get(b":path", b"").decode("latin-1")
    encoding = fields.get(b"grpc-encoding", b"identity").decode("latin-1")
    timeout = fields.get(b"grpc-timeout")
    matched = None if timeout is None else _TIMEOUT.fullmatch(timeout)
    wrong = 0
    if not path or (timeout is not None and matched is None):
        wrong = 400
    elif fields.get(b":method") != b"POST":
        wrong = 405
    elif not fields.get(b"content-type", b"").startswith(b"application/grpc"):
        wrong = 415
    seconds = int(matched[1]) * _UNITS[matched[2]] if matched else None
    named = valid_id(fields.get(_ID, b"").decode("latin-1"))
    trace = {name.decode(): fields[name].decode("latin-1") for name in _TRACE if name in fields}
    return Head(path, seconds, encoding, wrong, named, trace)


def _literal(name: str, value: str) -> bytes:
    """A header that no table is to keep."""
    return b"\x00" + _text(name) + _text(value)


def _text(value: str) -> bytes:
    data = value.encode("latin-1")
    if len(data) < 127:
        return bytes((len(data),)) + data
    length, packed = len(data) - 127, bytearray(b"\x7f")
    while length >= 128:
        packed.append(length % 128 + 128)
        length //= 128
    packed.append(length)
    return bytes(packed) + data


_STATUS_200 = b"\x88"
_GRPC = _literal("content-type", "application/grpc")
OPENING = _STATUS_200 + _GRPC
"""Headers of an answer, without the id of its request."""
_NAMED = b"\x00" + _text(HEADER)
CLOSING = _literal("grpc-status", "0")
"""Trailers of an answer."""
_TAKES = _literal("grpc-accept-encoding", "identity,gzip,deflate")
_LONGEST = 4000


def opening(name: str) -> bytes:
    """Headers of the answer to the request with an id."""
    return OPENING + _NAMED + _text(name)


def closing(status: int, message: str) -> bytes:
    """Trailers of a call that fails after it has begun to be answered."""
    told = quote(message[:_LONGEST], safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")
    return _literal("grpc-status", str(status)) + _literal("grpc-message", told)


def refusing(name: str, status: int, message: str) -> bytes:
    """Headers and trailers in one, of a call that is refused."""
    return opening(name) + _TAKES + closing(status, message)


def plain(status: int) -> bytes:
    """Headers of an answer to what is no gRPC call at all."""
    return _literal(":status", str(status))
