"""A Delta table opened at a version, with every failure told in words that lead on.

Source: the Delta protocol (github.com/delta-io/delta, PROTOCOL.md); the log is read by deltalake (delta-rs).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from noria.core.errors import BadInput, Unavailable
from noria.data.model import UnreadableFile

LOG = "_delta_log"
_TRIED = 20
"""How many versions, newest first, are looked at for the ones whose files are all there."""


class NoDeltaTable(BadInput):
    """There is no Delta table at that place."""

    code = "N3060"
    status = 404


class NoVersion(BadInput):
    """A Delta table has no such version, or not any more: its log or its files were cleaned up."""

    code = "N3061"
    status = 404


class UnreadableTable(BadInput):
    """A Delta table's log is damaged, or it uses what this reader does not know."""

    code = "N3062"


def is_table(folder: Path) -> bool:
    """Whether a folder is a Delta table."""
    try:
        return (folder / LOG).is_dir()
    except (OSError, ValueError):
        return False


def place_of(root: Path, text: str) -> str:
    """Where a table lies: an address as it is, a path below `root` made absolute."""
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    return text if "://" in text else os.path.normpath(root / text)


def library() -> Any:
    """The module `deltalake`. Raises BadInput when it is not installed."""
    try:
        return importlib.import_module("deltalake")
    except ImportError as error:
        raise BadInput("a Delta table needs deltalake", hint="pip install 'noria[lake]'") from error


def open_table(place: str, version: int | None = None) -> Any:
    """The table at a version, or as it is now.

    Raises NoDeltaTable, NoVersion with the versions there are, UnreadableTable, Unavailable.
    """
    delta = library()
    with _told(place):
        table = delta.DeltaTable(place)
    if version is None or version == table.version():
        return table
    try:
        with _told(place):
            return delta.DeltaTable(place, version=version)
    except (NoDeltaTable, UnreadableTable) as error:
        there = versions_of(table)
        if version in there:
            raise
        raise _no_version(place, version, there) from error


def versions_of(table: Any) -> range:
    """The versions that the log still tells of."""
    last = table.version()
    with _told(table.table_uri):
        return range(last - len(table.history()) + 1, last + 1)


def gone(place: str, version: int, file: str) -> NoVersion:
    """The error for a version whose log is there and whose file is not."""
    whole = [one for one in list(versions_of(open_table(place)))[: -_TRIED - 1 : -1] if _is_whole(place, one)]
    listed = ", ".join(map(str, sorted(whole))) or "none of the last ones"
    said = f"version {version} of {place}: its file {file} was vacuumed or removed"
    return NoVersion(f"{said}; versions whose files are all there: {listed}", hint="pin one of these")


def missing(files: Any, paths: Iterable[str]) -> str | None:
    """The first of the paths that is no file of the table's own folder."""
    found = files.get_file_info(list(paths))
    return next((one.path for one in found if not one.is_file), None)


def file_system(table: Any) -> Any:
    """The table's folder as Arrow sees it, with nothing outside it."""
    import pyarrow.fs as pa_fs

    handler = importlib.import_module("deltalake.fs").DeltaStorageHandler
    return pa_fs.PyFileSystem(handler(table.table_uri))


@contextmanager
def reading(place: str, version: int, file: str = "") -> Iterator[None]:
    """Failures to read a data file, told. A file that is not there is `NoVersion`."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise gone(place, version, file or first_line(error)) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(f"version {version} of {place} cannot be read: {first_line(error)}") from error


@contextmanager
def _told(place: str) -> Iterator[None]:
    errors = importlib.import_module("deltalake.exceptions")
    try:
        yield
    except errors.TableNotFoundError as error:
        hint = f"a Delta table is a folder with {LOG} in it"
        raise NoDeltaTable(f"there is no Delta table at {place}", hint=hint) from error
    except (errors.DeltaError, ValueError, OSError) as error:
        raise _refused(place, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust raises where it gives up: no Exception
            raise
        raise _refused(place, error) from error


def _refused(place: str, error: BaseException) -> Unavailable | UnreadableTable:
    said = f"the Delta table at {place} cannot be opened: {first_line(error)}"
    if isinstance(error, OSError) and "://" in place:
        return Unavailable(said, hint="is the store there, and are its AWS_* (or other) variables set?")
    return UnreadableTable(said, hint="read it with the tool that wrote it, or write it anew without that feature")


def _is_whole(place: str, version: int) -> bool:
    try:
        table = open_table(place, version)
        return missing(file_system(table), data_files(table)) is None
    except BadInput:
        return False


def data_files(table: Any) -> list[str]:
    """The paths of the table's files, relative to its folder, as they are on disk."""
    from urllib.parse import unquote

    import pyarrow as pa

    return sorted(unquote(path) for path in pa.table(table.get_add_actions(flatten=True))["path"].to_pylist())


def _no_version(place: str, version: int, there: range) -> NoVersion:
    listed = str(there[0]) if len(there) == 1 else f"{there[0]} to {there[-1]}"
    return NoVersion(f"the Delta table at {place} has no version {version}; there are: {listed}",
                     hint="versions that the log has forgotten cannot be read")  # fmt: skip


def first_line(error: BaseException) -> str:
    """What an error of the library says first, without the trace it carries along."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:240]
