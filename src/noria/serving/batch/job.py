"""The folder of a job beside its output: what was pinned, one file for each chunk that is answered, one writer.

A chunk's file is named into place when its content is on disk, so a file that is there is whole.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.errors import Conflict, Corrupt, StorageFull
from noria.serving.batch.model import Asked, OtherJob, Pinned
from noria.stores.disk import NO_ROOM, sync_folder


class _Kept(msgspec.Struct):
    asked: Asked
    pinned: Pinned


class Job:
    """An unfinished output. Opened by one process at a time."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self.parts = folder / "parts"
        self._lock = lock

    @property
    def _file(self) -> Path:
        return self.folder / "job.json"

    @property
    def begun(self) -> bool:
        """Whether anything was settled."""
        return self._file.exists()

    def pinned(self, asked: Asked) -> Pinned | None:
        """What was settled when the job began; None when it has not begun.

        Raises OtherJob when it was asked something else, naming what differs.
        """
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise Corrupt(f"{self._file} is damaged: {error}", hint="start anew with --fresh") from error
        mine, its = msgspec.to_builtins(asked), msgspec.to_builtins(kept.asked)
        differ = [f"{name} {its[name]!r}, now {mine[name]!r}" for name in mine if mine[name] != its[name]]
        if differ:
            raise OtherJob(f"an unfinished job lies in {self.folder}, with {'; '.join(differ)}",
                           hint="ask the same to go on with it, or start anew with --fresh")  # fmt: skip
        return kept.pinned

    def begin(self, asked: Asked, pinned: Pinned) -> None:
        """Settle it. Raises StorageFull."""
        with room(self.folder):
            self.parts.mkdir(exist_ok=True)
            _write(self._file, msgspec.json.encode(_Kept(asked, pinned)))

    def done(self) -> int:
        """How many chunks are answered, from the first on."""
        number = 0
        while self.part(number).exists():
            number += 1
        return number

    def part(self, number: int) -> Path:
        """The file of a chunk."""
        return self.parts / f"part-{number:06d}.parquet"

    def keep(self, number: int, table: pa.Table) -> None:
        """Make a chunk's answers durable. Raises StorageFull; then it counts as not answered."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", compression_level=1)
        with room(self.folder):
            _write(self.part(number), sink.getvalue())

    def remove(self) -> None:
        """It is done with."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def clear(self) -> None:
        """Forget what was answered and settled."""
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self.parts, ignore_errors=True)

    def close(self) -> None:
        """Let another process in."""
        os.close(self._lock)


def open_job(folder: Path) -> Job:
    """Raises Conflict when another process works on it, StorageFull."""
    with room(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "writer.lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Conflict(f"another process answers into {folder}", hint="one at a time; stop the other one") from error
    return Job(folder, lock)


@contextmanager
def room(place: Path) -> Iterator[None]:
    """Where a disk that is full is said to be."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            said = f"no room left at {place}"
            raise StorageFull(said, hint="free room and run again: it goes on where it was") from error
        raise


def _write(path: Path, data: Any) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
