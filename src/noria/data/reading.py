"""A raw file as an Arrow table of the columns that the source declares; every other column is left unread."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from noria.core.errors import Corrupt, Fault
from noria.core.schema import Schema
from noria.core.suggest import did_you_mean
from noria.data.model import INGESTED_AT, UnreadableFile

_BROKEN = (pa.ArrowException, OSError, ValueError, csv.Error, EOFError)


@dataclass(frozen=True)
class Malformed:
    """A line of a CSV file that does not have as many cells as the header."""

    row: int
    text: str
    message: str


@dataclass(frozen=True)
class RawFile:
    """The rows of one file as they were found. `order` numbers each row of `table` as it stands in the file."""

    name: str
    table: Any
    malformed: tuple[Malformed, ...] = ()

    @property
    def order(self) -> list[int]:
        """Row numbers in the file, counted from 0, malformed lines included."""
        skipped = {line.row for line in self.malformed}
        return [row for row in range(self.table.num_rows + len(skipped)) if row not in skipped]


def read_file(name: str, path: Path, schema: Schema) -> tuple[RawFile | None, list[Fault]]:
    """Read the file kept at `path`, whose name tells what it is.

    Gives the rows, or the faults of its header (columns that are missing or named twice). Raises
    UnreadableFile when it is neither Parquet nor CSV, or damaged.
    """
    kind = kind_of(name)
    if kind == "parquet":
        return _read_parquet(name, path, schema)
    if kind.startswith("csv"):
        return _read_csv(name, path, schema, compression="gzip" if kind == "csv.gz" else None)
    raise UnreadableFile(f"{name} is neither Parquet nor CSV by its name", hint="name it .parquet, .csv or .csv.gz")


def kind_of(name: str) -> str:
    """What a file is by its name: `parquet`, `csv`, `csv.gz`, or nothing we can read.

    >>> kind_of("2013-01.PARQUET"), kind_of("2013.01.csv.gz"), kind_of("notes.txt")
    ('parquet', 'csv.gz', '')
    """
    suffixes = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".csv.gz": "csv.gz"}
    return next((kind for suffix, kind in suffixes.items() if name.lower().endswith(suffix)), "")


@contextmanager
def _readable(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UnreadableFile(
            f"{name} is no readable {kind} file: {error}",
            hint="write the file again; nothing of this source was accepted",
        ) from error


def _read_parquet(name: str, path: Path, schema: Schema) -> tuple[RawFile | None, list[Fault]]:
    with _readable(name, "Parquet"):
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            wanted, faults = _wanted(name, file.schema_arrow.names, schema)
            if faults:
                return None, faults
            table = file.read(columns=wanted)
        table.validate(full=True)
    return RawFile(name, table), []


def _read_csv(name: str, path: Path, schema: Schema, *, compression: str | None) -> tuple[RawFile | None, list[Fault]]:
    with _readable(name, "CSV"):
        with pa.input_stream(str(path), compression=compression) as stream:
            header = _header(stream)
        wanted, faults = _wanted(name, header, schema)
        if faults:
            return None, faults
        malformed: list[Malformed] = []
        with pa.input_stream(str(path), compression=compression) as stream:
            table = _parse_csv(stream, wanted, malformed)
    return RawFile(name, table, tuple(malformed)), []


def _parse_csv(stream: Any, wanted: Sequence[str], malformed: list[Malformed]) -> Any:
    def set_aside(line: Any) -> str:
        message = f"the line has {line.actual_columns} cells, the header {line.expected_columns}"
        malformed.append(Malformed(line.number - 2, line.text, message))  # numbered from 1, the header first
        return "skip"

    return pa.csv.read_csv(
        stream,
        read_options=pa.csv.ReadOptions(use_threads=False),  # else lines are not numbered
        parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()),
            include_columns=list(wanted),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _header(stream: Any) -> list[str]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    for cells in csv.reader(text):
        return cells
    raise ValueError("it is empty, without even a header")


def _wanted(name: str, there: Sequence[str], schema: Schema) -> tuple[list[str], list[Fault]]:
    faults = []
    for column in schema.names:
        if column not in there:
            hint = did_you_mean(column, there) or f"it has {', '.join(map(str, there[:20])) or 'no columns'}"
            faults.append(Fault(name, f"has no column {column!r}", hint))
    wanted = [*schema.names, *([INGESTED_AT] if INGESTED_AT in there and INGESTED_AT not in schema else [])]
    faults += [Fault(name, f"has the column {one!r} more than once") for one in wanted if list(there).count(one) > 1]
    return wanted, faults


def read_blob(path: Path, columns: Sequence[str] | None = None) -> Any:
    """A Parquet blob of our own as an Arrow table. Raises Corrupt."""
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            return file.read(columns=None if columns is None else list(columns))
    except _BROKEN as error:
        hint = "remove it and run again to rebuild it from the raw file"
        raise Corrupt(f"blob {path.name[:12]} is damaged: {error}", hint=hint) from error


def write_blob(table: Any) -> bytes:
    """An Arrow table as Parquet: the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=1, row_group_size=1 << 18, store_schema=True)
    data: bytes = sink.getvalue().to_pybytes()
    return data
