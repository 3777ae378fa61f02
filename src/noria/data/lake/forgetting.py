"""Rows that leave a Delta table for good: from every version, change file, statistic and line of the log.

A deletion alone keeps all of it: the old files for time travel, the rows once more in `_change_data`, their least and
greatest values in the log, and the condition of the deletion in its commit. So the table loses its past: files that
the newest version does not need are vacuumed, the log is folded into a checkpoint and cut off before it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from noria.core.errors import Conflict
from noria.data.lake.opening import UnreadableTable, first_line, library, open_table

_NOW = "interval 0 days"
_RETENTION = {"delta.logRetentionDuration": "interval 30 days", "delta.deletedFileRetentionDuration": "interval 7 days"}
"""What keeps a table's past, and how long the protocol has it do so where the table does not say."""

_TRIES = 10


class TableBusy(Conflict):
    """Others wrote to the table all the while."""

    code = "N3063"


def forget_rows(place: str, column: str, value: str) -> int:
    """Remove the rows whose `column` is `value`, and every earlier version; gives how many rows the newest one had.

    Pins of earlier versions cannot be read any more. Doing it again, also after a kill, does what is left. Raises
    NoDeltaTable, UnreadableTable, TableBusy.
    """
    errors = importlib.import_module("deltalake.exceptions")
    removed = 0
    for _ in range(_TRIES):
        try:
            table = open_table(place)
            removed += _delete(table, column, value)
            _cut_off(table)
            _drop_empty_folders(place)
            return removed
        except errors.CommitFailedError:
            continue
        except errors.DeltaError as error:
            said = f"rows of {place} cannot be erased: {first_line(error)}"
            raise UnreadableTable(said, hint="erase them with the tool that wrote it") from error
    raise TableBusy(f"others wrote to {place} all the while", hint="stop them and erase again")


def _delete(table: Any, column: str, value: str) -> int:
    if column not in [field.name for field in table.schema().fields]:
        return 0
    name, text = column.replace('"', '""'), value.replace("'", "''")
    done = table.delete(f"CAST(\"{name}\" AS STRING) = '{text}'")
    return int(done.get("num_deleted_rows") or 0)


def _cut_off(table: Any) -> None:
    settings = table.metadata().configuration
    told = {name: settings.get(name, _NOW) for name in _RETENTION}  # as now: left so by an erasure that was killed
    before = {name: default if told[name] == _NOW else told[name] for name, default in _RETENTION.items()}
    table.alter.set_table_properties(dict.fromkeys(_RETENTION, _NOW))
    try:
        table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
        table.update_incremental()
        table.create_checkpoint()
        table.cleanup_metadata()
    finally:
        hooks = library().PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
        table.alter.set_table_properties(before, post_commithook_properties=hooks)


def _drop_empty_folders(place: str) -> None:
    """The folders of partitions that are gone: their names are values."""
    if "://" in place:
        return
    for folder in sorted((one for one in Path(place).rglob("*") if one.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
