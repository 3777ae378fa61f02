"""The raw files of a source, kept as blobs. A file that has not changed since it was last read is not read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from noria.core.errors import BadInput, Corrupt
from noria.core.suggest import did_you_mean
from noria.data import tables
from noria.data.model import FileChanged, NoFiles, SnapshotFile, UnreadableFile
from noria.workspace.workspace import Workspace

_SETTLED_NS = 50_000_000
"""A file changed less than this before it was read may change again within the same tick of its time stamp."""

_Stat = tuple[int, int, int, str]


def keep_files(ws: Workspace, pattern: str) -> list[SnapshotFile]:
    """Every file that matches the glob, sorted by name, each kept as a blob.

    Names are relative to the project. Raises NoFiles, UnreadableFile, FileChanged, StorageFull.
    """
    names = _matching(ws.root, pattern)
    known = _known(ws, names)
    kept, fresh = [], []
    for name in names:
        path = ws.root / name
        with _explained(path):
            stat = _stat(path)
        row = known.get(str(path))
        if row and row[:4] == stat and ws.blobs.exists(row[4]):
            kept.append(SnapshotFile(name, row[4], stat[0]))
            continue
        digest = _keep(ws, path, stat)
        kept.append(SnapshotFile(name, digest, stat[0]))
        fresh.append((path, stat, digest))
    _remember(ws, fresh)
    return kept


def _matching(root: Path, pattern: str) -> list[str]:
    anchor = Path(pattern).anchor
    base = Path(anchor) if anchor else root
    try:
        found = [path for path in base.glob(pattern.removeprefix(anchor)) if not _hidden(path, base)]
    except (ValueError, NotImplementedError) as error:
        raise NoFiles(f"{pattern!r} is no pattern of files: {error}", hint="write one like data/*.parquet") from error
    names = sorted(
        (path if anchor else path.relative_to(root)).as_posix() for path in found if not _answers(path.is_dir)
    )
    _refuse_tables(root, names)
    if not names:
        raise NoFiles(f"no file matches {pattern!r} in {root}", hint=_what_is_there(root, pattern))
    return names


def _refuse_tables(root: Path, names: Sequence[str]) -> None:
    """A Delta table's folder keeps the files of all its versions; which of them count, only its log tells."""
    for folder in {parent for name in names for parent in (root / name).parents if parent != root}:
        if _answers((folder / "_delta_log").is_dir):
            raise BadInput(
                f"{folder} is a Delta table: its folder holds rows of older versions too",
                hint=f"name the table itself, without a pattern: delta = {str(folder)!r}",
            )


def _answers(question: Callable[[], bool]) -> bool:
    """What a path answers; False where this user may not even ask."""
    try:
        return question()
    except OSError:
        return False


def _hidden(path: Path, base: Path) -> bool:
    """Whether the file or a folder on the way to it starts with a dot: what other programs half finished."""
    return any(part.startswith(".") for part in path.relative_to(base).parts if part != "..")


def _what_is_there(root: Path, pattern: str) -> str:
    """Follow the pattern as far as it exists, and say what is there instead."""
    place = root
    for step in Path(pattern).parts:
        if not _answers((place / step).exists):
            break
        place = place / step
    else:
        return f"{place} is a folder: name the files in it, such as {pattern.rstrip('/')}/*.parquet"
    try:
        there = sorted(entry.name for entry in place.iterdir())
    except OSError as error:
        return f"{place} cannot be listed ({error.strerror}): give this user the right to read it"
    guess = did_you_mean(step, there)
    return guess or f"{place} holds {', '.join(there[:10]) if there else 'nothing'}"


def _stat(path: Path) -> _Stat:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, str(stat.st_ino)


def _keep(ws: Workspace, path: Path, before: _Stat) -> str:
    with _explained(path):
        digest = ws.blobs.put_file(path)
        after = _stat(path)
    if after != before:
        raise FileChanged(f"{path} changed while it was being read", hint="run again when nothing writes to it")
    return digest


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise UnreadableFile(f"{path} may not be read", hint="give this user the right to read it") from error
    except FileNotFoundError as error:
        hint = "run again when nothing writes to the folder; a dangling link has to be removed"
        raise FileChanged(f"{path} went away while the source was being read", hint=hint) from error
    except Corrupt as error:
        raise FileChanged(f"{path} changed while it was being read", hint=error.hint) from error
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}") from error


def _known(ws: Workspace, names: Sequence[str]) -> dict[str, tuple[int, int, int, str, str]]:
    paths = [str(ws.root / name) for name in names]
    found: dict[str, tuple[int, int, int, str, str]] = {}
    with ws.database.reading() as connection:
        for start in range(0, len(paths), 500):  # SQLite limits the number of parameters
            query = sa.select(tables.files).where(tables.files.c.path.in_(paths[start : start + 500]))
            for row in connection.execute(query):
                found[row.path] = (row.bytes, row.modified_ns, row.changed_ns, row.inode, row.digest)
    return found


def _remember(ws: Workspace, fresh: Sequence[tuple[Path, _Stat, str]]) -> None:
    """Index the files that had settled before we read them; the others are read once more next time."""
    if not fresh:
        return
    now = _filesystem_now(ws)
    rows = [
        {"path": str(path), "bytes": size, "modified_ns": modified, "changed_ns": changed, "inode": inode,
         "digest": digest}
        for path, (size, modified, changed, inode), digest in fresh
        if max(modified, changed) < now - _SETTLED_NS
    ]  # fmt: skip
    if rows:
        with ws.database.transaction() as connection:
            ws.database.upsert(connection, tables.files, rows, ["path"])


def _filesystem_now(ws: Workspace) -> int:
    """The time by the clock that stamps files, which need not be the workspace's."""
    marker = ws.folder("tmp") / f"clock-{os.getpid()}"
    marker.touch()
    try:
        return marker.stat().st_mtime_ns
    finally:
        marker.unlink(missing_ok=True)
