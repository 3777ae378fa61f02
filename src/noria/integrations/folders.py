"""Files of a folder that somebody else filled: no link is followed out of it, no special file is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from noria.tracking.transfer import ForeignFile


def beneath(folder: Path, notes: list[str], into: str = "") -> Iterator[ForeignFile]:
    """Every regular file below `folder`, by its path there, put below `into`; what is left out is noted."""
    root = folder.resolve()
    for place, folders, files in os.walk(
        folder, onerror=lambda error: notes.append(f"{error.filename}: {error.strerror}")
    ):
        folders.sort()
        for name in sorted(files):
            path = Path(place) / name
            if not path.resolve().is_relative_to(root):
                notes.append(f"{path}: a link out of the folder was left out (to bring it, copy with `cp -rL`)")
            elif not path.is_file():
                notes.append(f"{path}: no regular file, left out")
            else:
                yield ForeignFile(f"{into}{path.relative_to(folder).as_posix()}", path)


def readable_text(path: Path, most: int = 16 << 20) -> str | None:
    """A small text file's content; None when there is none, or it is larger than `most` bytes."""
    try:
        return path.read_text(errors="replace") if path.is_file() and path.stat().st_size <= most else None
    except OSError:
        return None


def safe_path(name: str) -> str:
    """A foreign name as a relative path below an artifact folder, never leading out of it.

    >>> safe_path("../a\\\\b//c")
    'a/b/c'
    """
    parts = name.replace("\\", "/").replace("\0", "").split("/")
    return "/".join(part for part in parts if part.strip() not in ("", ".", "..")) or "unnamed"
