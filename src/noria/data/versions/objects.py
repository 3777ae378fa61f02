"""Objects: the bytes of entries and manifests, as read-only files named by their BLAKE3.

They lie beside the blobs, in a tree of their own, because a blob is named by its SHA-256. An object is a file of its
own, however small: a checkout by hard link is then one system call a file.

*The mark.* The nanoseconds of an object's modification time are a function of its digest. They are set after the
last byte is written, so a half-written object has no mark and is written again; and whoever writes into an object
through a hard link, against its permissions, takes the mark away, which one `stat` shows. No file has to be renamed
into place, and none has to be read to be trusted. Where a disk keeps no nanoseconds, objects are renamed into place
and there is no mark.

*Durability.* `flush` writes everything out with one call for the whole disk instead of one for each of a hundred
thousand files; a reference is moved only after it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blake3 import blake3

from noria.core.errors import Conflict, Corrupt, NotFound
from noria.data.versions.disk import filesystem_now, told

_BILLION = 1_000_000_000
_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY


class CollectionBusy(Conflict):
    """Something writes or reads objects, so none may be collected now; or the other way round."""

    code = "N3020"


class ObjectStore:
    """Content-addressed objects in a folder; digests are 32 bytes of BLAKE3."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with told(root):
            root.mkdir(parents=True, exist_ok=True)
            self._marks = _keeps_nanoseconds(root)
            self._second = filesystem_now(root) // _BILLION - 2
        self._base = os.fspath(root)
        self.folder: int | None = None

    def put(self, data: bytes) -> bytes:
        """Keep bytes; gives their digest. Raises StorageFull, Unavailable."""
        digest = blake3(data).digest()
        self.keep(digest, data)
        return digest

    def keep(self, digest: bytes, data: bytes) -> None:
        """Keep bytes whose digest was computed already. Keeping them again mends a damaged object."""
        if not self._marks:
            self._rename_into(digest, data)
            return
        name = digest.hex()
        path = f"{name[:2]}/{name[2:]}" if self.folder is not None else self.at(digest)
        try:
            file = os.open(path, _CREATE, 0o444, dir_fd=self.folder)
        except FileExistsError:
            if not self.intact(digest, len(data)):
                self._rename_into(digest, data)
            return
        except FileNotFoundError:
            self._make_folder(digest)
            self.keep(digest, data)
            return
        except OSError as error:
            with told(self.root):
                raise error from None
        self._fill(file, self.at(digest), digest, data)

    def take(self, path: str, digest: bytes) -> None:
        """Move a finished file that nobody else writes into the store; afterwards it is gone from `path`."""
        target = self.at(digest)
        with told(self.root):
            self._make_folder(digest)
            os.chmod(path, 0o444)  # noqa: PTH101
            self._stamp(path, digest)
            os.replace(path, target)  # noqa: PTH105

    def temporary(self) -> str:
        """A fresh name beside the objects, for what is going to be taken. A killed writer's is collected."""
        return f"{self._base}/.{secrets.token_hex(8)}.tmp"

    def get(self, digest: bytes) -> bytes:
        """The bytes, checked. Raises NotFound, Corrupt."""
        try:
            with open(self.at(digest), "rb") as file:  # noqa: PTH123
                data = file.read()
        except FileNotFoundError as error:
            raise _missing(digest) from error
        if blake3(data).digest() != digest:
            raise _damaged(digest)
        return data

    def intact(self, digest: bytes, size: int) -> bool:
        """Whether the object is here, whole, and untouched since it was written, as far as a `stat` tells."""
        try:
            return self._sound(os.lstat(self.at(digest)), digest, size)
        except FileNotFoundError:
            return False

    def demand(self, digest: bytes, size: int) -> tuple[str, os.stat_result]:
        """The name and the state of an intact object; the name is relative to `folder` while that is open, else whole.

        Raises NotFound, Corrupt.
        """
        name = digest.hex()
        path = f"{name[:2]}/{name[2:]}" if self.folder is not None else self.at(digest)
        try:
            stat = os.stat(path, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError as error:
            raise _missing(digest) from error
        if not self._sound(stat, digest, size):
            raise _damaged(digest)
        return path, stat

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the folder of objects open as `folder`, for many calls in a row."""
        self.folder = os.open(self._base, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield
        finally:
            os.close(self.folder)
            self.folder = None

    def at(self, digest: bytes) -> str:
        """Where the object lies, or would."""
        name = digest.hex()
        return f"{self._base}/{name[:2]}/{name[2:]}"

    def all(self) -> Iterator[tuple[bytes, int]]:
        """Every object's digest and size, in no order."""
        for folder in os.scandir(self._base):
            if len(folder.name) == 2 and folder.is_dir(follow_symlinks=False):
                for entry in os.scandir(folder.path):
                    with suppress(ValueError):
                        yield bytes.fromhex(folder.name + entry.name), entry.stat(follow_symlinks=False).st_size

    def left_over(self) -> Iterator[str]:
        """Temporary files of writers that were killed."""
        return (entry.path for entry in os.scandir(self._base) if entry.name.endswith(".tmp"))

    def remove(self, digest: bytes) -> None:
        """Remove an object; one that is gone already is no error. Only a collector does so, under its lock."""
        with suppress(FileNotFoundError):
            os.unlink(self.at(digest))  # noqa: PTH108

    def flush(self) -> None:
        """Return when everything written to this disk survives a power cut."""
        folder = os.open(self._base, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None).syncfs(folder) != 0:
                os.sync()
        except AttributeError:
            os.sync()
        finally:
            os.close(folder)

    @contextmanager
    def using(self) -> Iterator[None]:
        """While objects are written that nothing refers to yet, or read: no collection runs. Waits for one that does.

        The lock is the process's: the system lets go of it however the process ends.
        """
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """While objects are removed. Raises CollectionBusy at once when somebody uses them."""
        with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with told(self.root):
            file = os.open(f"{self._base}/.lock", os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(file, how)
            yield
        except BlockingIOError as error:
            said = "a commit, checkout or transfer is using the objects"
            raise CollectionBusy(said, hint="run it again when that is done") from error
        finally:
            os.close(file)

    def _sound(self, stat: os.stat_result, digest: bytes, size: int) -> bool:
        return stat.st_size == size and (not self._marks or stat.st_mtime_ns % _BILLION == _mark(digest))

    def _fill(self, file: int, path: str, digest: bytes, data: bytes) -> None:
        try:
            written = os.write(file, data)
            while written < len(data):
                written += os.write(file, data[written:])
            self._stamp(file, digest)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108
            with told(self.root):
                raise error from None
        finally:
            os.close(file)

    def _rename_into(self, digest: bytes, data: bytes) -> None:
        if not self._marks and self.intact(digest, len(data)):
            return
        temporary = self.temporary()
        with told(self.root):
            file = os.open(temporary, _CREATE, 0o444)
        self._fill(file, temporary, digest, data)
        self.take(temporary, digest)

    def _stamp(self, file: int | str, digest: bytes) -> None:
        moment = self._second * _BILLION + _mark(digest)
        os.utime(file, ns=(moment, moment))

    def _make_folder(self, digest: bytes) -> None:
        os.makedirs(f"{self._base}/{digest.hex()[:2]}", exist_ok=True)  # noqa: PTH103


def _mark(digest: bytes) -> int:
    return int.from_bytes(digest[:6], "big") % _BILLION


def _keeps_nanoseconds(root: Path) -> bool:
    probe = root / f".{secrets.token_hex(8)}.tmp"
    probe.touch()
    try:
        os.utime(probe, ns=(_BILLION + 123_456_789,) * 2)
        return probe.stat().st_mtime_ns == _BILLION + 123_456_789
    finally:
        probe.unlink()


def _missing(digest: bytes) -> NotFound:
    hint = "it was never kept here, or not pulled yet, or was collected"
    return NotFound("object", digest.hex(), hint=hint)


def _damaged(digest: bytes) -> Corrupt:
    said = f"object {digest.hex()[:12]} is damaged or was written into through a hard link"
    return Corrupt(said, hint="commit a folder that still holds the content, pull it again, or restore a backup")
