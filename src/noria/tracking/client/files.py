"""What may be logged as an artifact: a file, a folder, bytes or a text, and the paths they get in the run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from noria.tracking.client.folder import chunks_of
from noria.tracking.client.values import BadValue, artifact_path, shown


def pieces(source: Any, name: str | None) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Each file of `source`: its path in the run, and its bytes. Raises BadValue, OSError.

    A str is a path when something lies there, and otherwise, with a `name`, a text.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield _required(name, source), [bytes(source)]
        return
    if not isinstance(source, str | os.PathLike):
        raise BadValue(f"an artifact is a path, bytes or a text, not {shown(source)}")
    mode = _mode(source)
    if mode is None and isinstance(source, str) and name is not None:
        yield artifact_path(name), [source.encode("utf-8", "replace")]
        return
    if mode is None:
        raise BadValue(f"there is no file {shown(str(source))}")
    path = Path(os.fsdecode(source))
    target = artifact_path(name if name is not None else path.name or path.resolve().name)
    if stat.S_ISDIR(mode):
        for file in _files(path):
            yield artifact_path(f"{target}/{file.relative_to(path).as_posix()}"), chunks_of(file)
    elif stat.S_ISREG(mode):
        yield target, chunks_of(path)
    else:
        raise BadValue(f"{shown(str(path))} is neither a file nor a folder")


def _files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder; links to folders are not followed, as they may lead in circles."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            file = Path(place, name)
            if file.is_file():
                yield file


def _mode(source: str | os.PathLike[Any]) -> int | None:
    try:
        return Path(os.fsdecode(source)).stat().st_mode
    except (OSError, ValueError):  # a long text is no path, nor one with a null character
        return None


def _required(name: str | None, source: Any) -> str:
    if name is None:
        raise BadValue(f"{shown(source)} needs a name to be logged under")
    return artifact_path(name)
