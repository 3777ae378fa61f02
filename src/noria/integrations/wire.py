"""Reading and writing protocol-buffer bytes without a schema: fields by number, as the bytes have them.

A message is a row of (field number, wire type, value): varints come as unsigned integers, fixed 32 and 64 bits
as their raw bytes, everything with a length as bytes. Which type a field has is for the caller to know.
Source: the protocol buffers encoding guide.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | bytes
_BITS64 = (1 << 64) - 1


class Torn(ValueError):
    """Bytes that are no message; `args[0]` says why."""


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """(number, value) of each field, in order. Raises Torn."""
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise Torn(f"wire type {kind} of field {number}")
        if size > end - at or number == 0:
            raise Torn(f"field {number} claims {size} bytes of {end - at}")
        yield number, data[at : at + size]
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned integer at `at`, and where it ends. Raises Torn."""
    result = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Torn("a number that does not end")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & _BITS64, at
        shift += 7


def signed(value: Value) -> int:
    """A varint as int32 or int64 mean it."""
    number = whole(value)
    return number - (1 << 64) if number >> 63 else number


def zigzag(value: Value) -> int:
    """A varint as sint32 or sint64 mean it."""
    number = whole(value)
    return (number >> 1) ^ -(number & 1)


def whole(value: Value) -> int:
    """A varint as it is. Raises Torn when the field is something else."""
    if not isinstance(value, int):
        raise Torn("bytes where a number belongs")
    return value


def raw(value: Value) -> bytes:
    """The bytes of a field. Raises Torn when it is a number."""
    if not isinstance(value, bytes):
        raise Torn("a number where bytes belong")
    return value


def text(value: Value) -> str:
    """A string; what is no UTF-8 is replaced, for a name is better than none."""
    return raw(value).decode(errors="replace")


def double(value: Value) -> float:
    """A fixed 64-bit floating-point number. Raises Torn."""
    return float(_unpack("<d", value))


def single(value: Value) -> float:
    """A fixed 32-bit floating-point number. Raises Torn."""
    return float(_unpack("<f", value))


def _unpack(form: str, value: Value) -> float:
    data = raw(value)
    if len(data) != struct.calcsize(form):
        raise Torn(f"{len(data)} bytes where a number belongs")
    number: float = struct.unpack(form, data)[0]
    return number


def put_varint(number: int) -> bytes:
    """An integer, negative ones as 64-bit two's complement."""
    number &= _BITS64
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def put(number: int, value: int | float | bytes | str) -> bytes:
    """One field: integers as varints, floats as doubles, text and bytes with their length."""
    if isinstance(value, float):
        return put_varint(number << 3 | FIXED64) + struct.pack("<d", value)
    if isinstance(value, int):
        return put_varint(number << 3 | VARINT) + put_varint(value)
    data = value.encode(errors="surrogatepass") if isinstance(value, str) else value
    return put_varint(number << 3 | BYTES) + put_varint(len(data)) + data


def put_single(number: int, value: float) -> bytes:
    """One field of 32-bit floating point; a value beyond its range becomes infinite."""
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    return put_varint(number << 3 | FIXED32) + packed
