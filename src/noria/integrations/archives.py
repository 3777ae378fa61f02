"""The zip files (or unpacked folders) that trackers leave when they work offline, read with suspicion."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from noria.tracking.transfer import ForeignFile, ForeignRun, LeftOut, Unreadable

MOST = 64 << 20
"""Bytes of one JSON document, or of one line of JSON."""
_LARGE, _RATIO = 1 << 30, 500


class Archive:
    """Named members of a zip file or of a folder. Nothing is unpacked to a path that the archive chooses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            root = path.resolve()
            inside = (one for one in path.rglob("*") if one.is_file() and one.resolve().is_relative_to(root))
            self.names = sorted(one.relative_to(path).as_posix() for one in inside)
            return
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(path, None, f"is no zip file that can be read: {error}") from error
        self.names = sorted(info.filename for info in self._zip.infolist() if not info.is_dir())

    def close(self) -> None:
        """Let go of the file."""
        if self._zip is not None:
            self._zip.close()

    def document(self, name: str) -> dict[str, Any]:
        """A member that is one JSON object. Raises Unreadable."""
        if name not in self.names:
            raise Unreadable(self.path, None, f"there is no {name} in it")
        with self._open(name) as file:
            data = self._read(file, name, MOST + 1)
        if len(data) > MOST:
            raise Unreadable(self.path, None, f"{name} is larger than {MOST} bytes")
        found = _json(data)
        if not isinstance(found, dict):
            raise Unreadable(self.path, 0, f"{name} is no JSON object")
        return found

    def lines(self, name: str, notes: list[str]) -> Iterator[Any]:
        """The values of a member that has one JSON value a line; a line that is none is noted and left out."""
        if name not in self.names:
            return
        with self._open(name) as file:
            at = 0
            while line := self._line(file, name, at, notes):
                found = _json(line)
                if found is None and line.strip() not in (b"", b"null"):
                    torn = "the file ends inside a line" if not line.endswith(b"\n") else "a line that is no JSON"
                    notes.append(f"{self.path}: {name}, byte {at}: {torn} was left out")
                elif found is not None:
                    yield found
                at += len(line)

    def files(self, wanted: Iterable[tuple[str, str]], notes: list[str]) -> Iterator[ForeignFile]:
        """(member, path) pairs as files; a member of a zip is unpacked to a temporary file while it is looked at."""
        with tempfile.TemporaryDirectory(prefix="noria-zip-") as folder:
            for number, (name, path) in enumerate(wanted):
                if self._zip is None:
                    yield ForeignFile(path, self.path / name)
                    continue
                info = self._zip.getinfo(name)
                if info.file_size > _LARGE and info.file_size > _RATIO * max(info.compress_size, 1):
                    notes.append(f"{self.path}: {name} would unpack to {info.file_size} bytes; left out")
                    continue
                place = Path(folder) / str(number)
                try:
                    with self._zip.open(info) as packed, place.open("wb") as file:
                        shutil.copyfileobj(packed, file, 1 << 20)
                except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
                    notes.append(f"{self.path}: {name} could not be unpacked: {error}")
                    continue
                yield ForeignFile(path, place)
                place.unlink(missing_ok=True)

    def _open(self, name: str) -> IO[bytes]:
        try:
            return (self.path / name).open("rb") if self._zip is None else self._zip.open(name)
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
            raise Unreadable(self.path, None, f"{name} cannot be opened: {error}") from error

    def _read(self, file: IO[bytes], name: str, most: int) -> bytes:
        try:
            return file.read(most)
        except Exception as error:  # zlib, lzma and zipfile have an error each
            raise Unreadable(self.path, None, f"{name} is damaged: {error}") from error

    def _line(self, file: IO[bytes], name: str, at: int, notes: list[str]) -> bytes:
        try:
            line = file.readline(MOST + 1)
        except Exception as error:
            notes.append(f"{self.path}: {name}, byte {at}: damaged from here on ({error})")
            return b""
        if len(line) > MOST:
            notes.append(f"{self.path}: {name}, byte {at}: a line of more than {MOST} bytes; the rest was left out")
            return b""
        return line


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def each_run(paths: Iterable[Path], read: Callable[[Archive], ForeignRun]) -> Iterator[ForeignRun | LeftOut]:
    """What `read` makes of each archive; one that cannot be read is left out, with the reason."""
    for path in paths:
        try:
            archive = Archive(path)
            try:
                yield read(archive)
            finally:
                archive.close()
        except Unreadable as error:
            yield LeftOut(str(path), error.message)


def holds(path: Path, members: Iterable[str]) -> bool:
    """Whether `path` is an archive with these members."""
    try:
        archive = Archive(path)
    except (Unreadable, OSError):
        return False
    archive.close()
    return set(members) <= set(archive.names)
