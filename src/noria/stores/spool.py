"""A spool: records appended to files, in order, for ever numbered.

When `append` returns, the record is with the operating system and survives the death of the process (with
`power_safe` also a power cut). A record is its length, a CRC-32 and the bytes; a half-written one at the end
is what a crash leaves, and is cut off when the next writer opens the spool. Files ("segments") carry the
number of their first record in their name, so whole ones can be moved on and dropped.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from noria.core.errors import Conflict, StorageFull

_HEAD = struct.Struct("<II")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Segment:
    """A file that is no longer written: its records are numbered `first` to `last`."""

    first: int
    last: int
    path: Path


class Spool:
    """The one writer of the spool in folder `path`.

    Raises Conflict when another process writes it already. A segment is closed after `segment_bytes`.
    """

    def __init__(self, path: Path, *, segment_bytes: int = 8 << 20, power_safe: bool = False) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path, self._limit, self._power_safe = path, segment_bytes, power_safe
        self._lock = _locked(path)
        self._next = 0
        segments = _segments(path)
        if segments:
            first, newest = segments[-1]
            whole, count = _whole(newest)
            os.truncate(newest, whole)
            self._next = first + count
        self._file, self._size = self._opened(segments[-1][1] if segments else path / _name(0))

    @property
    def next_position(self) -> int:
        """The number the next record will have."""
        return self._next

    def append(self, record: bytes) -> int:
        """Write one record; gives its number. Raises StorageFull, with nothing written."""
        return self.append_many([record])

    def append_many(self, records: Sequence[bytes]) -> int:
        """Write several records in one go; gives the last one's number."""
        data = b"".join(_HEAD.pack(len(record), zlib.crc32(record)) + record for record in records)
        try:
            _write_all(self._file, data)
            if self._power_safe:
                os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            if error.errno in _NO_ROOM:
                said = f"no room left to write to {self._path}"
                raise StorageFull(said, hint="free room; nothing was acknowledged") from error
            raise
        self._size += len(data)
        self._next += len(records)
        if self._size >= self._limit:
            self.seal()
        return self._next - 1

    def seal(self) -> None:
        """Close the current segment, if it has a record, and begin another."""
        if self._size == 0:
            return
        os.fsync(self._file)
        os.close(self._file)
        self._file, self._size = self._opened(self._path / _name(self._next))

    def close(self) -> None:
        """Let another writer in."""
        os.close(self._file)
        os.close(self._lock)

    def _opened(self, path: Path) -> tuple[int, int]:
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        return file, os.fstat(file).st_size


def read_spool(path: Path, after: int = -1) -> Iterator[tuple[int, bytes]]:
    """Records numbered above `after`, with their numbers; any process may read while one writes.

    A segment that is dropped meanwhile is passed over: whoever dropped it has its records elsewhere.
    """
    segments = _segments(path)
    for index, (first, file) in enumerate(segments):
        following = segments[index + 1][0] if index + 1 < len(segments) else None
        if following is not None and following <= after + 1:
            continue
        for number, record in enumerate(_records(file), start=first):
            if number > after:
                yield number, record


def sealed_segments(path: Path) -> list[Segment]:
    """The segments that are no longer written, oldest first."""
    segments = _segments(path)
    return [Segment(first, segments[index + 1][0] - 1, file) for index, (first, file) in enumerate(segments[:-1])]


def drop_segment(segment: Segment) -> None:
    """Remove a sealed segment whose records are safe elsewhere."""
    segment.path.unlink(missing_ok=True)


def _records(file: Path) -> Iterator[bytes]:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return
    for start, end in _bounds(data):
        yield data[start:end]


def _whole(file: Path) -> tuple[int, int]:
    """How many bytes of a file are whole records, and how many records they are."""
    bounds = list(_bounds(file.read_bytes()))
    return (bounds[-1][1] if bounds else 0), len(bounds)


def _bounds(data: bytes) -> Iterable[tuple[int, int]]:
    at = 0
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        start, end = at + _HEAD.size, at + _HEAD.size + length
        if end > len(data) or zlib.crc32(data[start:end]) != checksum:
            return
        yield start, end
        at = end


def _segments(path: Path) -> list[tuple[int, Path]]:
    return sorted((int(file.stem), file) for file in path.glob("*.spool"))


def _name(first: int) -> str:
    return f"{first:020d}.spool"


def _locked(path: Path) -> int:
    lock = os.open(path / "writer.lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Conflict(f"another process writes to {path}", hint="one server at a time; stop the other one") from error
    return lock


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
