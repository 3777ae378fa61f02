"""The `.wandb` file: LevelDB's log format with W&B's seven-byte header, one protocol-buffer record an entry.

Blocks of 32 KiB; in them fragments of (crc32 of type and data, length, type), type 1 whole, 2 first, 3 middle, 4 last.
The checksum is zlib's crc32, not LevelDB's masked crc32c. A run that was killed leaves a torn tail: that is normal.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from noria.tracking.transfer import Unreadable

BLOCK = 32768
_HEADER = struct.Struct("<4sHB")
_FRAGMENT = struct.Struct("<IHB")
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def records(path: Path, notes: list[str]) -> Iterator[tuple[int, bytes]]:
    """(byte offset, record) of each entry. Damage is noted and passed over to the next block, as LevelDB does.

    Raises Unreadable when the file is no `.wandb` file at all.
    """
    with path.open("rb") as file:
        _check_header(path, file.read(_HEADER.size))
        file.seek(0)
        yield from _joined(path, file, notes)


def _check_header(path: Path, head: bytes) -> None:
    if len(head) < _HEADER.size:
        raise Unreadable(path, len(head), "ends before the header of a W&B run does")
    mark, magic, _version = _HEADER.unpack(head)
    if mark != b":W&B" or magic != 0xBEE1:
        raise Unreadable(path, 0, "does not begin as a W&B run does", hint="give a run-*.wandb file or its folder")


def _joined(path: Path, file: BinaryIO, notes: list[str]) -> Iterator[tuple[int, bytes]]:
    start, parts = 0, list[bytes]()
    for at, kind, data in _fragments(path, file, notes):
        if kind in (_WHOLE, _FIRST):
            if parts:
                notes.append(f"{path}, byte {start}: a record without its end was left out")
            start, parts = at, [data]
        elif not parts:
            continue  # its beginning was damaged, and said so
        else:
            parts.append(data)
        if kind in (_WHOLE, _LAST):
            yield start, b"".join(parts)
            parts = []
    if parts:
        notes.append(f"{path}, byte {start}: the file ends inside a record; what came before it was kept")


def _fragments(path: Path, file: BinaryIO, notes: list[str]) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while block := file.read(BLOCK):
        inside = _HEADER.size if at == 0 else 0
        while len(block) - inside >= _FRAGMENT.size:
            crc, length, kind = _FRAGMENT.unpack_from(block, inside)
            data = block[inside + _FRAGMENT.size : inside + _FRAGMENT.size + length]
            if kind == 0 and length == 0 and crc == 0:
                break  # room that was made and never written
            if len(data) < length and len(block) < BLOCK:
                notes.append(f"{path}, byte {at + inside}: the file ends inside a record; what came before it was kept")
                return
            if len(data) < length or not _WHOLE <= kind <= _LAST or zlib.crc32(data, zlib.crc32(bytes([kind]))) != crc:
                notes.append(f"{path}, byte {at + inside}: damaged; skipped to byte {at + BLOCK}")
                break
            yield at + inside, kind, data
            inside += _FRAGMENT.size + length
        at += len(block)
