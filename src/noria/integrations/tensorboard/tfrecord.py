"""The TFRecord framing: length, its checksum, bytes, their checksum; masked CRC-32C, all little-endian."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
_MOST = 1 << 31


class _Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


def masked(data: bytes) -> int:
    """CRC-32C (Castagnoli), rotated and offset as TensorFlow does, so that a checksum of checksums stays sound."""
    import google_crc32c

    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def put_record(file: _Writable, data: bytes) -> None:
    """Append one record."""
    length = struct.pack("<Q", len(data))
    file.write(length + _TAIL.pack(masked(length)) + data + _TAIL.pack(masked(data)))


def records(path: Path, notes: list[str]) -> Iterator[tuple[int, bytes]]:
    """(byte offset, record) of each entry.

    A record with a wrong checksum is noted and passed over. Once a length is wrong nothing after it can be found:
    that ends the reading, with a note that says how many bytes were not read.
    """
    size = path.stat().st_size
    at = 0
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            if len(head) < _HEAD.size:
                notes.append(f"{path}, byte {at}: the file ends inside a record; what came before it was kept")
                return
            length, crc = _HEAD.unpack(head)
            if masked(head[:8]) != crc or length > _MOST:
                notes.append(f"{path}, byte {at}: damaged; the last {size - at} bytes were left out")
                return
            body = file.read(length + _TAIL.size) if length + _TAIL.size <= size - at - _HEAD.size else b""
            if not body:
                notes.append(f"{path}, byte {at}: the file ends inside a record; what came before it was kept")
                return
            data = body[:-4]
            if masked(data) == _TAIL.unpack(body[-4:])[0]:
                yield at, data
            else:
                notes.append(f"{path}, byte {at}: a damaged record was left out")
            at += _HEAD.size + len(body)
