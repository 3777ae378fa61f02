"""Rows written to a Delta table so that doing it twice, or again after a kill, has the effect of doing it once.

An append carries a transaction identifier (the protocol's `txn` action) made of the snapshot and the table: a writer
that finds it in the log has nothing to do, and of two that write at once the log lets one through. An overwrite and a
merge leave the same rows however often they are done; the newest commit tells whether they just were. A commit that
lost against another writer's is tried again on what the table holds then. Files without a commit, which a killed
writer leaves behind, belong to no version; `vacuum` removes them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from noria.core.errors import BadInput, Conflict, StorageFull
from noria.data.lake.opening import NoDeltaTable, first_line, library, open_table

Mode = Literal["create", "append", "overwrite", "merge"]
MODES: tuple[str, ...] = get_args(Mode)
_TRIES = 25
_SNAPSHOT, _TABLE, _MODE = "noria.snapshot", "noria.table", "noria.mode"


class WriteRefused(BadInput):
    """A Delta table does not take the rows: other columns, a constraint, a feature that cannot be written."""

    code = "N9071"


class TableThere(Conflict):
    """There is a table already, and it was not said what is to become of its rows."""

    code = "N9072"


class TooContended(Conflict):
    """Other writers were faster every time."""

    code = "N9073"


@dataclass(frozen=True)
class Mark:
    """What is written, so that it is known again: the snapshot's id and the table's name."""

    snapshot: str
    table: str

    @property
    def application(self) -> str:
        """The `appId` of the transaction."""
        return f"noria/{self.snapshot}/{self.table}"


@dataclass(frozen=True)
class Written:
    """The version that has the rows, and whether it was made just now."""

    version: int
    new: bool


Rows = Callable[[], AbstractContextManager[Any]]
"""Opens a reader of the rows, anew for every try."""


def write_delta(rows: Rows, place: str, mark: Mark, mode: Mode = "create", key: tuple[str, ...] = ()) -> Written:
    """Write rows to the Delta table at a path or an address; `merge` updates by `key` and inserts what is new.

    `create` is for a table that is not there yet; the other modes make it, too. Raises WriteRefused, TableThere,
    TooContended, NoDeltaType, UnreadableTable, StorageFull, Unavailable.
    """
    from deltalake.exceptions import CommitFailedError, DeltaError

    for _ in range(_TRIES):
        table = _existing(place)
        if table is not None and _has(table, mark, mode):
            return Written(table.version(), False)
        if table is not None and mode == "create":
            raise TableThere(f"there is a Delta table at {place}", hint="say --mode append, overwrite or merge")
        try:
            with rows() as reader:
                _commit(place, table, reader, mark, mode, key)
            return Written(open_table(place).version(), True)
        except CommitFailedError:
            continue
        except DeltaError as error:
            if table is None and _existing(place) is not None:
                continue  # another writer made it at the same time
            raise _refused(place, error) from error
    raise TooContended(f"{_TRIES} commits to {place} lost against other writers", hint="try again when it is quieter")


def _existing(place: str) -> Any:
    try:
        return open_table(place)
    except NoDeltaTable:
        return None


def _has(table: Any, mark: Mark, mode: Mode) -> bool:
    """Whether the table has what is to be written."""
    if mode in ("overwrite", "merge"):
        newest = table.history(1)[0]
        return (newest.get(_SNAPSHOT), newest.get(_TABLE), newest.get(_MODE)) == (mark.snapshot, mark.table, mode)
    if table.transaction_version(mark.application) is None:
        return False
    for commit in table.history():
        if (commit.get(_SNAPSHOT), commit.get(_TABLE)) == (mark.snapshot, mark.table):
            return True
        if commit.get("operation") == "RESTORE" or commit.get("operationParameters", {}).get("mode") == "Overwrite":
            return False
    return True


def _commit(place: str, table: Any, reader: Any, mark: Mark, mode: Mode, key: tuple[str, ...]) -> None:
    delta = library()
    told = {_SNAPSHOT: mark.snapshot, _TABLE: mark.table, _MODE: mode}
    once = [delta.Transaction(mark.application, 1, None)] if mode in ("create", "append") else None
    # the first commit is not tried again by the library: it would come after another's without looking at its mark
    tries = 0 if table is None else None
    properties = delta.CommitProperties(custom_metadata=told, app_transactions=once, max_commit_retries=tries)
    if mode == "merge" and table is not None:
        _merge(table, reader, key, properties)
        return
    if table is None:
        delta.write_deltalake(place, reader, mode="error", commit_properties=properties)
    elif mode == "overwrite":
        delta.write_deltalake(table, reader, mode=mode, schema_mode=mode, commit_properties=properties)
    else:
        delta.write_deltalake(table, reader, mode="append", commit_properties=properties)


def _merge(table: Any, reader: Any, key: tuple[str, ...], properties: Any) -> None:
    if not key:
        raise WriteRefused("a merge needs a key", hint="declare the table's key: --table NAME=PATTERN:KEY")
    if table.deletion_vectors().read_all().num_rows:
        raise WriteRefused(f"{table.table_uri} has deletion vectors, which a merge could undo",
                           hint="purge them with the tool that wrote them, or write with --mode overwrite")  # fmt: skip
    same = " AND ".join(f"t.{_quoted(one)} = s.{_quoted(one)}" for one in key)
    merger = table.merge(reader, same, source_alias="s", target_alias="t", commit_properties=properties)
    merger.when_matched_update_all().when_not_matched_insert_all().execute()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _refused(place: str, error: Exception) -> Exception:
    said = first_line(error)
    if "No space left" in str(error):
        return StorageFull(f"no room left at {place}", hint="free room and write again; nothing was committed")
    return WriteRefused(f"the Delta table at {place} does not take the rows: {said}",
                        hint="compare its columns and constraints with the table's")  # fmt: skip
