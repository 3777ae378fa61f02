"""The folder of one spool: its records, the files it will send, and what it is about.

<home>/tracking/<spool id>/
    spool.json           which run, where to, by which process
    00000000000000000000.spool, writer.lock
    files/<digest>       copies of what was logged as a file, until they are sent
    console/             what the run printed, while it runs
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from noria.core.errors import StorageFull
from noria.stores.disk import NO_ROOM
from noria.stores.spool import Spool

SPOOLS = "tracking"
"""The folder of a home that holds the spools."""

_ABOUT = "spool.json"
_ENDED = "ended"
_PIECE = 1 << 20


class About(msgspec.Struct, frozen=True):
    """What a spool says of itself. `to` is where its records go; empty: wherever the settings say."""

    run: str
    owner: bool = True
    to: str = ""
    pid: int = 0


class SpoolFolder:
    """A spool's folder. Reading needs no lock; writing records takes the spool's own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """The spool's id, by which a server counts its records."""
        return self.path.name

    def make(self, about: About) -> Spool:
        """Make the folder; gives its writer. Raises StorageFull, OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            (self.path / _ABOUT).write_bytes(msgspec.json.encode(about))
        except OSError as error:
            raise _told(error, self.path) from error
        return Spool(self.path)

    def about(self) -> About | None:
        """What the spool says of itself; None when it does not (its maker died before it had said anything)."""
        try:
            return msgspec.json.decode((self.path / _ABOUT).read_bytes(), type=About)
        except (OSError, msgspec.DecodeError):
            return None

    @property
    def ended(self) -> bool:
        """Whether the spool says how its run ended."""
        return (self.path / _ENDED).exists()

    def mark_ended(self) -> None:
        """Note that the spool says how its run ended. Raises OSError."""
        (self.path / _ENDED).touch()

    def keep(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Copy bytes into the folder; gives their digest and size. Raises StorageFull, with nothing kept."""
        files = self.path / "files"
        temporary = files / f".{secrets.token_hex(8)}"
        hasher, size = hashlib.sha256(), 0
        try:
            files.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    hasher.update(chunk)
                    size += len(chunk)
            temporary.replace(files / hasher.hexdigest())
        except OSError as error:
            raise _told(error, files) from error
        finally:
            with suppress(OSError):
                temporary.unlink()
        return hasher.hexdigest(), size

    def file(self, digest: str) -> Path:
        """Where the bytes of that digest lie, until they are sent."""
        return self.path / "files" / digest

    def remove(self) -> None:
        """Remove everything; what cannot be removed is left."""
        shutil.rmtree(self.path, ignore_errors=True)


def spools(home: Path) -> list[SpoolFolder]:
    """The spools under a home, oldest first."""
    try:
        return [SpoolFolder(path) for path in sorted((home / SPOOLS).iterdir()) if path.is_dir()]
    except OSError:
        return []


def chunks_of(path: Path) -> Iterator[bytes]:
    """A file's bytes, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def writable(path: Path) -> bool:
    """Whether a folder is there, or can be made, and files can be made in it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK | os.X_OK)


def _told(error: OSError, path: Path) -> Exception:
    if error.errno in NO_ROOM:
        return StorageFull(f"no room left to write to {path}", hint="free room; this was not kept")
    return error
