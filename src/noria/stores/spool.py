"""A spool: records appended to files, in order, for ever numbered.

When `append` returns, the record is with the operating system and survives the death of the process (with
`power_safe` also a power cut). A record is its length, a CRC-32 and the bytes; a half-written one at the end
is what a crash leaves: readers stop before it, and the next writer takes it off. Files ("segments") carry the
number of their first record in their name, so whole ones can be moved on and dropped.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from noria.core.errors import BadInput, Conflict, Corrupt, StorageFull
from noria.stores.disk import NO_ROOM, sync_folder

_HEAD = struct.Struct("<II")
_LONGEST = 1 << 30


@dataclass(frozen=True)
class Segment:
    """A file that is no longer written: its records are numbered `first` to `last`."""

    first: int
    last: int
    path: Path


class Spool:
    """The one writer of the spool in folder `path`; its methods may be called from several threads.

    A segment is closed after `segment_bytes`. Raises Conflict when another process writes the spool already.
    What a crash cut short at the end is taken off, and kept in a file `.torn` beside it.
    """

    def __init__(self, path: Path, *, segment_bytes: int = 8 << 20, power_safe: bool = False) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path, self._limit, self._power_safe = path, segment_bytes, power_safe
        self._writing = threading.Lock()
        self._lock = _locked(path)
        try:
            first, newest = (_segments(path) or [(0, path / _name(0))])[-1]
            self._next = first + (_without_torn_tail(newest) if newest.exists() else 0)
            self._file, self._size = self._opened(newest)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def next_position(self) -> int:
        """The number the next record will have."""
        return self._next

    def append(self, record: bytes) -> int:
        """Write one record; gives its number. Raises StorageFull, with nothing written."""
        if len(record) > _LONGEST:
            raise BadInput(f"a record of a spool has at most {_LONGEST} bytes")
        return self._put(_HEAD.pack(len(record), zlib.crc32(record)) + record, 1)

    def append_many(self, records: Sequence[bytes]) -> int:
        """Write several records in one go; gives the last one's number.

        Raises StorageFull, with none of them written. A death in between may leave the first few of them.
        """
        if any(len(record) > _LONGEST for record in records):
            raise BadInput(f"a record of a spool has at most {_LONGEST} bytes")
        data = b"".join(_HEAD.pack(len(record), zlib.crc32(record)) + record for record in records)
        return self._put(data, len(records))

    @property
    def size(self) -> int:
        """Bytes of the segment that is written."""
        return self._size

    def flush(self) -> None:
        """Bring what is written to the disk, while others go on writing: a segment is then closed in no time.

        Raises StorageFull.
        """
        with self._writing:
            if self._file < 0:
                return
            copy = os.dup(self._file)
        try:
            os.fsync(copy)
        except OSError as error:
            raise self._told(error) from error
        finally:
            os.close(copy)

    def _put(self, data: bytes, records: int) -> int:
        with self._writing:
            self._write(data)
            self._size += len(data)
            self._next += records
            last = self._next - 1
            if self._size >= self._limit:
                with suppress(OSError, StorageFull):  # the records are safe; a later append tries again
                    self._begin_segment()
        return last

    def seal(self) -> None:
        """Close the current segment, if it has a record, and begin another. Raises StorageFull."""
        with self._writing:
            if self._size:
                self._begin_segment()

    def finish(self) -> None:
        """Take no more records, but let no other writer in yet."""
        with self._writing:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def close(self) -> None:
        """Let another writer in. Closing twice does nothing more."""
        self.finish()
        with self._writing:
            if self._lock >= 0:
                os.close(self._lock)
            self._lock = -1

    def forget(self) -> None:
        """Leave the spool to the process that this one was forked from: close the copies of its files, no more.

        Closing a copy of the lock does not unlock it; keeping one would hold it after that process's death.
        """
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def _write(self, data: bytes) -> None:
        if self._file < 0:
            raise ValueError(f"the spool {self._path} is closed")
        try:
            _write_all(self._file, data)
            if self._power_safe:
                os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise self._told(error) from error

    def _begin_segment(self) -> None:
        try:
            os.fsync(self._file)
            fresh, size = self._opened(self._path / _name(self._next))
        except OSError as error:
            raise self._told(error) from error
        os.close(self._file)
        self._file, self._size = fresh, size

    def _opened(self, path: Path) -> tuple[int, int]:
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o644)
        if self._power_safe:
            sync_folder(self._path)
        return file, os.fstat(file).st_size

    def _told(self, error: OSError) -> Exception:
        if error.errno in NO_ROOM:
            return StorageFull(f"no room left to write to {self._path}", hint="free room; nothing was acknowledged")
        return error


def read_spool(path: Path, after: int = -1) -> Iterator[tuple[int, bytes]]:
    """Records numbered above `after`, with their numbers; any process may read while one writes.

    A segment that is dropped meanwhile is passed over: whoever dropped it has its records elsewhere.
    Raises Corrupt when a segment that is no longer written lacks records, after giving those before them.
    """
    segments = _segments(path)
    for (first, file), (following, _) in zip(segments, [*segments[1:], (None, path)], strict=True):
        if following is not None and following <= after + 1:
            continue
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            continue
        number = first
        for start, end in _bounds(data):
            if number > after:
                yield number, data[start:end]
            number += 1
        if following is not None and number != following:
            raise Corrupt(
                f"{file} is damaged: its records {number} to {following - 1} cannot be read",
                hint="restore the file from a backup; without one, move it away, and those records are lost",
            )


class SpoolTail:
    """Reads a spool from record `position` on, piece by piece, while somebody writes it.

    A record is read once, and one that is still being written not at all.
    """

    def __init__(self, path: Path, position: int = 0) -> None:
        self._path, self._next = path, position
        self._file: Path | None = None
        self._offset = 0

    @property
    def position(self) -> int:
        """The number of the record that comes next."""
        return self._next

    def read(self, most_bytes: int = 1 << 20) -> list[bytes]:
        """The next whole records, of about `most_bytes` at most; none when there are no more yet.

        Raises Conflict when they were dropped, Corrupt when a segment that is no longer written lacks some.
        """
        if self._file is None:
            self._file = self._found()
        if self._file is None:
            return []
        if records := self._more(most_bytes):
            return records
        following = [file for _, file in _segments(self._path) if file.name > self._file.name]
        if not following:
            return []
        if records := self._more(most_bytes):  # written just before the segment was closed
            return records
        if following[0].name != _name(self._next):
            raise Corrupt(
                f"{self._file} is damaged: its record {self._next} cannot be read",
                hint="restore the file from a backup; without one, move the folder away",
            )
        self._file, self._offset = following[0], 0
        return self._more(most_bytes)

    def _found(self) -> Path | None:
        """The segment that has the next record; goes past the records before it."""
        segments = _segments(self._path)
        if not segments:
            return None
        known = [(first, file) for first, file in segments if first <= self._next]
        if not known:
            said = f"records {self._next} to {segments[0][0] - 1} of {self._path} are no longer there"
            raise Conflict(said, hint="they were acknowledged and dropped; were the server's data restored or changed?")
        first, file = known[-1]
        ends = [0, *(end for _, end in _bounds(file.read_bytes()))]
        if len(ends) - 1 < self._next - first:  # whoever took them has more than a power cut has left here
            return None
        self._offset = ends[self._next - first]
        return file

    def _more(self, most_bytes: int) -> list[bytes]:
        assert self._file is not None
        try:
            with self._file.open("rb") as file:
                file.seek(self._offset)
                data = file.read(max(most_bytes, _HEAD.size))
                if len(data) >= _HEAD.size and (long := _HEAD.unpack_from(data)[0] + _HEAD.size) > len(data):
                    data += file.read(min(long, _LONGEST) - len(data))
        except FileNotFoundError:
            return []
        bounds = list(_bounds(data))
        if bounds:
            self._offset += bounds[-1][1]
            self._next += len(bounds)
        return [data[start:end] for start, end in bounds]


def sealed_segments(path: Path) -> list[Segment]:
    """The segments that are no longer written, oldest first."""
    segments = _segments(path)
    return [Segment(first, segments[index + 1][0] - 1, file) for index, (first, file) in enumerate(segments[:-1])]


def drop_segment(segment: Segment) -> None:
    """Remove a sealed segment whose records are safe elsewhere."""
    segment.path.unlink(missing_ok=True)


def rewrite_spool(path: Path, change: Callable[[bytes], bytes]) -> int:
    """Put `change` of each record in its place, under the same number; gives how many are other than before.

    For what must be forgotten: afterwards no file of the spool has the old bytes, torn ends included. Raises Conflict
    when a process writes the spool, Corrupt when a segment is damaged; then that segment is as it was.
    """
    lock, changed = _locked(path), 0
    try:
        for segment in (file for _, file in _segments(path)):
            data = segment.read_bytes()
            bounds = list(_bounds(data))
            before = [data[start:end] for start, end in bounds]
            after = [change(record) for record in before]
            if (bounds[-1][1] if bounds else 0) < len(data):
                raise Corrupt(f"{segment} is damaged", hint="let its server start once, which takes off a torn end")
            if after != before:
                temporary = segment.with_suffix(".tmp")
                with temporary.open("wb") as file:
                    file.writelines(_HEAD.pack(len(record), zlib.crc32(record)) + record for record in after)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(segment)
                changed += sum(one != other for one, other in zip(before, after, strict=True))
        for torn in path.glob("*.torn"):
            torn.unlink()
        sync_folder(path)
    finally:
        os.close(lock)
    return changed


def _without_torn_tail(file: Path) -> int:
    """Cut off what is no whole record, keeping a copy; gives the number of records that stay."""
    data = file.read_bytes()
    bounds = list(_bounds(data))
    whole = bounds[-1][1] if bounds else 0
    if whole < len(data):
        file.with_suffix(f".{whole}.torn").write_bytes(data[whole:])
        os.truncate(file, whole)
    return len(bounds)


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
    return sorted((int(file.stem), file) for file in path.glob("*.spool") if file.stem.isdecimal())


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
