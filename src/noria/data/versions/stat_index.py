"""The index: what every file of a tree was when it was last hashed, so that an unchanged file is not read again.

A row is believed while size, modification time, change time and inode are what they were. A file that was changed
so shortly before the hashing that it could change again within the same tick of its time stamp gets no row, and is
read once more next time (the problem that git calls racy). The index is only a memory: when it is gone or damaged,
everything is hashed again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from blake3 import blake3

from noria.data.versions.disk import write_whole
from noria.data.versions.model import Entry

_MAGIC = b"noria-index-1\n"
_TICK = 50_000_000
_COARSE_TICK = 2_000_000_000
_SECOND = 1_000_000_000


class Row(msgspec.Struct, array_like=True, gc=False):
    """An entry, and the modification time, change time (nanoseconds) and inode that its file had.

    A change time of 0 is not compared: the file is a hard link of an object, whose change time moves whenever
    somebody makes another one.
    """

    entry: Entry
    modified: int
    changed: int
    inode: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Row])


def load_index(path: Path) -> dict[bytes, Row]:
    """The rows by path; none when the index is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    start = len(_MAGIC) + 32
    body = memoryview(data)[start:]
    if data[: len(_MAGIC)] != _MAGIC or blake3(body).digest() != data[len(_MAGIC) : start]:
        return {}
    try:
        return {row.entry.path: row for row in _decoder.decode(body)}
    except msgspec.DecodeError:
        return {}


def save_index(path: Path, rows: Iterable[Row], began: int) -> None:
    """Write the rows of files that had settled when the hashing began (nanoseconds by the disk's clock)."""
    fine, coarse = began - _TICK, began - _COARSE_TICK
    kept = [row for row in rows if row.modified < (fine if row.modified % _SECOND else coarse)]
    body = _encoder.encode(kept)
    write_whole(path, _MAGIC + blake3(body).digest() + body, durable=False)


def matches(row: Row, stat: os.stat_result) -> bool:
    """Whether a regular file is still the one that was hashed."""
    if stat.st_mtime_ns != row.modified or stat.st_ino != row.inode:
        return False
    if stat.st_ctime_ns == row.changed:
        return stat.st_size == row.entry.size  # whatever else changes, changes this time too
    entry = row.entry
    is_program = stat.st_mode & 0o100 != 0
    return row.changed == 0 and stat.st_size == entry.size and (entry.kind == "program") == is_program
