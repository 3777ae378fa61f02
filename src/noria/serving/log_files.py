"""One kind of log record on disk: a spool for the newest, Parquet files named `<first>-<last>.parquet` for the rest.

A sealed spool segment becomes a Parquet file (temporary name, flushed, renamed) and only then goes away, so a
crash in between leaves the same records twice under the same positions, and positions are what readers go by.
"""

from __future__ import annotations

import errno
import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Generic

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noria.core.errors import StorageFull
from noria.serving.log_columns import Layout, R, from_table, to_table
from noria.serving.model import DamagedLog
from noria.stores.parquet import read_parquet
from noria.stores.spool import Segment, read_spool, sealed_segments

_ATTEMPTS = 20


@dataclass(frozen=True)
class ParquetFile:
    """Records `first` to `last`, both inclusive."""

    first: int
    last: int
    path: Path


class LogFiles(Generic[R]):
    """The files of one kind of record under a log's folder; reads them, and turns segments into Parquet."""

    def __init__(self, root: Path, layout: Layout[R]) -> None:
        self.layout: Layout[R] = layout
        self.spool = root / "spool" / layout.name
        self.folder = root / layout.name

    def parquet(self) -> list[ParquetFile]:
        """The Parquet files, oldest first."""
        if not self.folder.exists():
            return []
        names = sorted(path for path in self.folder.glob("*-*.parquet") if not path.name.startswith("."))
        return [_parquet_file(path) for path in names]

    def read(self, after: int = -1) -> tuple[list[R], int]:
        """Records at positions above `after`, in order, each once, and the last one's position.

        Works while another process writes: when a segment turns into Parquet between our looking at one
        and at the other, a gap shows and we look again. Raises DamagedLog when the gap stays.
        """
        for _ in range(_ATTEMPTS):
            try:
                records, last = self._read_parquet(after)
                found, last, whole = self._read_spool(last)
            except FileNotFoundError:
                continue
            if whole:
                return records + found, last
        raise DamagedLog(
            f"the log {self.folder} has lost the records after position {last}",
            hint="restore its Parquet files from a backup, or move the folder away to start a new log",
        )

    def identities(self, after: int) -> list[tuple[int, int]]:
        """Identities of the records above `after`, with their positions: for whoever begins to write again.

        Raises DamagedLog when some are missing.
        """
        found = []
        with suppress(FileNotFoundError):
            found = [(self.layout.identity_in(data), position) for position, data in self._spooled(after)]
        if found and [position for _, position in found] == list(range(after + 1, after + 1 + len(found))):
            return found
        records, _ = self.read(after)  # what raises, or has it from the files that appeared meanwhile
        return [(self.layout.identity(one), after + 1 + number) for number, one in enumerate(records)]

    def at(self, position: int) -> R | None:
        """The record at a position, or None."""
        for _ in range(_ATTEMPTS):
            try:
                return self._at(position)
            except FileNotFoundError:
                continue
        return None

    def _at(self, position: int) -> R | None:
        files = self.parquet()
        index = bisect_left(files, position, key=lambda file: file.last)
        if index < len(files) and files[index].first <= position:
            table = read_parquet(files[index].path)
            return from_table(self.layout, table.slice(position - files[index].first, 1))[0]
        for found, data in self._spooled(position - 1):
            return self.layout.decode(data) if found == position else None
        return None

    def _read_parquet(self, after: int) -> tuple[list[R], int]:
        records: list[R] = []
        for file in self.parquet():
            if file.last > after:
                table = read_parquet(file.path)
                records += from_table(self.layout, table.filter(pc.greater(table["position"], after)))
                after = file.last
        return records, after

    def _read_spool(self, after: int) -> tuple[list[R], int, bool]:
        records: list[R] = []
        for position, data in self._spooled(after):
            if position != after + 1:
                return records, after, False
            records.append(self.layout.decode(data))
            after = position
        return records, after, True

    def _spooled(self, after: int) -> Iterator[tuple[int, bytes]]:
        return read_spool(self.spool, after) if self.spool.exists() else iter(())

    def sealed(self) -> list[Segment]:
        """Spool segments that wait to become Parquet, oldest first."""
        return list(sealed_segments(self.spool))

    def convert(self, segment: Segment) -> None:
        """Write a sealed segment as Parquet; the caller drops it then. Doing it again changes nothing.

        Raises StorageFull when the disk is full; the segment is then still there.
        """
        target = self.folder / f"{segment.first:020d}-{segment.last:020d}.parquet"
        if target.exists() or segment.last < segment.first:
            return
        spooled = takewhile(lambda one: one[0] <= segment.last, read_spool(self.spool, segment.first - 1))
        records = [self.layout.decode(data) for _, data in spooled]
        if len(records) != segment.last - segment.first + 1:
            raise DamagedLog(f"segment {segment.path} holds {len(records)} whole records of those its name says")
        table = to_table(self.layout, records, segment.first)
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{target.name}.{os.getpid()}.tmp"
        try:
            _write(table, temporary)
            temporary.replace(target)
            _flush(self.folder)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StorageFull(f"no room left for the prediction log in {self.folder}", hint="free room") from error
            raise


def _parquet_file(path: Path) -> ParquetFile:
    first, _, last = path.stem.partition("-")
    return ParquetFile(int(first), int(last), path)


def _write(table: pa.Table, path: Path) -> None:
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
