"""Files of rows, Parquet and CSV, without the rows of a subject."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noria.core.errors import NoriaError
from noria.erasure.model import Subject

_PARQUET = b"PAR1"


class NotRows(NoriaError):
    """A file is no table that can be rewritten."""

    code = "N4702"


def is_parquet(path: Path) -> bool:
    """Whether a file says that it is Parquet."""
    with path.open("rb") as file:
        return file.read(4) == _PARQUET


def mask(table: pa.Table, subject: Subject) -> pa.ChunkedArray | None:
    """Which rows are the subject's; None when the table has no column that could tell."""
    wanted = {subject.column: frozenset([subject.value]), **subject.keys}
    found: pa.ChunkedArray | None = None
    for column in (name for name in wanted if name in table.column_names):
        values = pa.array(sorted(wanted[column]), pa.string())
        mine = pc.fill_null(pc.is_in(_texts(table[column]), value_set=values), False)
        found = mine if found is None else pc.or_(found, mine)
    return found


def keys_of(path: Path, subject: Subject, key: str) -> set[str]:
    """The values of the column `key` in the subject's rows of a Parquet file."""
    file = pq.ParquetFile(path)
    if not {subject.column, key} <= set(file.schema_arrow.names):
        return set()
    found: set[str] = set()
    for batch in file.iter_batches(columns=[subject.column, key]):
        table = pa.Table.from_batches([batch])
        mine = mask(table, Subject(subject.column, subject.value))
        if mine is not None:
            found.update(value for value in _texts(table.filter(mine)[key]).to_pylist() if value is not None)
    return found


def without_rows(path: Path, target: Path, subject: Subject) -> int:
    """Write `path` to `target` without the subject's rows; gives how many there were, 0 when nothing was written.

    Raises NotRows for a file that is neither Parquet nor text in columns.
    """
    return _parquet_without(path, target, subject) if is_parquet(path) else _csv_without(path, target, subject)


def _parquet_without(path: Path, target: Path, subject: Subject) -> int:
    file = pq.ParquetFile(path)
    names = set(file.schema_arrow.names)
    if not names & {subject.column, *subject.keys} or not _count(file, subject):
        return 0
    removed = 0
    codecs = {file.metadata.row_group(n).column(0).compression for n in range(file.num_row_groups)}
    codec = codecs.pop().lower() if len(codecs) == 1 else "zstd"
    with pq.ParquetWriter(target, file.schema_arrow, compression="none" if codec == "uncompressed" else codec) as out:
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            mine = mask(table, subject)
            kept = table if mine is None else table.filter(pc.invert(mine))
            removed += table.num_rows - kept.num_rows
            out.write_table(kept)
    _flush(target)
    return removed


def _count(file: pq.ParquetFile, subject: Subject) -> int:
    columns = [name for name in (subject.column, *subject.keys) if name in file.schema_arrow.names]
    found = 0
    for batch in file.iter_batches(columns=columns):
        mine = mask(pa.Table.from_batches([batch]), subject)
        found += (pc.sum(mine).as_py() or 0) if mine is not None else 0
    return found


def _csv_without(path: Path, target: Path, subject: Subject) -> int:
    removed = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file, target.open("w", newline="", encoding="utf-8") as out:
            lines = csv.reader(file)
            header = next(lines, [])
            if not set(header) & {subject.column, *subject.keys}:
                return 0
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(header)
            for line in lines:
                if subject.owns(dict(zip(header, line, strict=False))):
                    removed += 1
                else:
                    writer.writerow(line)
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotRows(f"{path.name} cannot be read as text in columns: {error}") from error
    _flush(target)
    return removed


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.chunked_array([pa.nulls(len(values), pa.string())])
    return values.cast(pa.string())


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
