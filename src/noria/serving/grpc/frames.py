"""Frames of HTTP/2: their kinds, flags and faults, and how one is put together. RFC 9113, sections 4, 6 and 7."""

from __future__ import annotations

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED = range(6)
FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(6, 12)
ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 2, 3, 4, 5, 6
LARGEST_WINDOW = (1 << 31) - 1
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME = 16_384

HEAD = struct.Struct(">BHBBL")
"""Length (its upper 8 and lower 16 bits), kind, flags, stream."""
SETTING = struct.Struct(">HL")
NUMBER = struct.Struct(">L")
TWO_NUMBERS = struct.Struct(">LL")


class Fault(Exception):
    """What ends the whole connection: the code of the GOAWAY, and why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame's bytes."""
    size = len(payload)
    return HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def reset(stream: int, code: int) -> bytes:
    """An RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, NUMBER.pack(code))


def settings(**values: int) -> bytes:
    """A SETTINGS frame of named settings: `max_frame_size=16384`."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(_NAMES[name], value) for name, value in values.items()))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Identifier and value of each setting, checked. Raises Fault."""
    if len(payload) % SETTING.size:
        raise Fault(FRAME_SIZE_ERROR, "SETTINGS is no whole number of settings")
    found = list(SETTING.iter_unpack(payload))
    for name, value in found:
        if name == ENABLE_PUSH and value > 1:
            raise Fault(PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
        if name == INITIAL_WINDOW_SIZE and value > LARGEST_WINDOW:
            raise Fault(FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
        if name == MAX_FRAME_SIZE and not DEFAULT_FRAME <= value < 1 << 24:
            raise Fault(PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of its range")
    return found


def unpadded(flags: int, payload: bytes) -> bytes:
    """The payload of a DATA or HEADERS frame without its padding. Raises Fault when there is more of it than frame."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise Fault(PROTOCOL_ERROR, "padding is longer than its frame")
    return payload[1 : len(payload) - payload[0]]


_NAMES = {
    "max_concurrent_streams": MAX_CONCURRENT_STREAMS,
    "initial_window_size": INITIAL_WINDOW_SIZE,
    "max_frame_size": MAX_FRAME_SIZE,
    "max_header_list_size": MAX_HEADER_LIST_SIZE,
}
