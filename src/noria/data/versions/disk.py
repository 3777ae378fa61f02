"""What a disk says, as one of Noria's errors; and the time by the clock that stamps files."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noria.core.errors import BadInput, StorageFull, Unavailable
from noria.stores.disk import NO_ROOM

_AWAY = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOTDIR)


class PathTooLong(BadInput):
    """A path has more characters than the system takes."""

    code = "N3021"


@contextmanager
def told(place: Path | str) -> Iterator[None]:
    """Tell what a disk says while something is written below `place`. Raises StorageFull, Unavailable, PathTooLong."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(f"no room left in {place}", hint="free room and run it again; nothing is lost") from error
        if error.errno == errno.ENAMETOOLONG:
            said = f"a path below {place} is longer than the system takes"
            raise PathTooLong(said, hint="choose a folder with a shorter name") from error
        if error.errno in _AWAY:
            said = f"{place} cannot be written: {error.strerror}"
            raise Unavailable(said, hint="check the disk and who owns the folder") from error
        raise


def filesystem_now(folder: Path) -> int:
    """Nanoseconds by the clock that stamps the files of this folder, which need not be the machine's."""
    marker = folder / f".{secrets.token_hex(8)}.tmp"
    marker.touch()
    try:
        return marker.stat().st_mtime_ns
    finally:
        marker.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Put a small file in place, all of it or nothing."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    with told(path.parent):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
