"""The table to be answered, as files: globs read in place; queries and Delta versions kept as blobs first.

A query asked twice may answer differently and a Delta table goes on, so both are pinned when a job begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from noria.core.errors import BadInput
from noria.data.lake.keeping import keep_delta
from noria.data.lake.opening import LOG
from noria.data.model import Location, NoFiles, SnapshotFile
from noria.data.queries import keep_query
from noria.data.reading import kind_of
from noria.serving.batch.model import Asked, BadTable, OtherJob, Piece
from noria.workspace.workspace import Workspace

_QUERY = re.compile(r"\s*(select|with|from|values|\()\s", re.IGNORECASE)
_DELTA = re.compile(r"delta:(?P<place>.+?)(?:@(?P<version>\d+))?")


def pin_input(ws: Workspace, asked: Asked) -> tuple[Piece, ...]:
    """The files of the input, in their order. `asked.source` is one of:

    a file, a folder or a glob of Parquet or CSV files; `delta:PLACE` with `@VERSION`, or a Delta table's folder; a
    query for DuckDB, or for PostgreSQL where `asked.database` is its URL.

    Raises NoFiles, BadTable, QueryFailed, Unavailable, NoDeltaTable, NoVersion, StorageFull.
    """
    if asked.database is not None or _QUERY.match(asked.source):
        return _kept(ws, keep_query(ws, Location(query=asked.source, database=asked.database)))
    delta = _DELTA.fullmatch(asked.source)
    if delta:
        version = delta["version"]
        return _kept(ws, keep_delta(ws, delta["place"], int(version) if version else None)[0])
    path = Path(asked.source)
    if (path / LOG).is_dir():
        return _kept(ws, keep_delta(ws, str(path.resolve()), None)[0])
    return tuple(Piece(str(one.resolve()), stamp(one), _kind(one)) for one in _files(path))


def check_unchanged(pieces: Sequence[Piece]) -> None:
    """Raise OtherJob when a file is not what it was when the job began."""
    for piece in pieces:
        path = Path(piece.path)
        try:
            same = piece.stamp == stamp(path) or "-" not in piece.stamp
        except OSError as error:
            raise OtherJob(f"{path} was read when the job began, and cannot be now: {error.strerror}",
                           hint="bring it back, or start anew with --fresh") from error  # fmt: skip
        if not same:
            raise OtherJob(f"{path} is not what it was when the job began", hint="start anew with --fresh")


def stamp(path: Path) -> str:
    """What tells a file from one that was written since."""
    found = path.stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def _kept(ws: Workspace, files: Sequence[SnapshotFile]) -> tuple[Piece, ...]:
    return tuple(Piece(str(ws.blobs.path(one.digest)), one.digest) for one in files)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if kind_of(one.name) and not one.name.startswith((".", "_"))]
    elif path.exists() or path.is_symlink():
        found = [path]
    else:
        anchor = Path(path.anchor or ".")
        try:
            pattern = str(path.relative_to(path.anchor)) if path.anchor else str(path)
            found = sorted(one for one in anchor.glob(pattern) if one.is_file() and not one.name.startswith("."))
        except (ValueError, NotImplementedError) as error:
            raise BadInput(f"{str(path)!r} is no pattern of files: {error}", hint="write data/*.parquet") from error
    if not found:
        raise NoFiles(f"no Parquet or CSV file matches {str(path)!r}", hint="a file, a folder, a glob, or a query")
    for one in found:
        if not one.exists():
            raise NoFiles(f"{one} is a link to a file that is not there", hint="bring the file back")
    return found


def _kind(path: Path) -> str:
    kind = kind_of(path.name)
    if not kind:
        raise BadTable(f"{path} is neither Parquet nor CSV by its name", hint="name it .parquet, .csv or .csv.gz")
    return kind
