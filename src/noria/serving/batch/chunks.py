"""The rows of the input in chunks of a fixed size: the same files give the same chunks, wherever one begins."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from noria.data.model import UnreadableFile
from noria.serving.batch.model import BadTable, Piece

_BROKEN = (pa.ArrowException, OSError, ValueError, csv.Error, EOFError)
_BATCH = 16_384
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Chunk:
    """Rows that are answered and made durable together. `first` is the number of the first one in the input."""

    number: int
    first: int
    table: pa.Table


def names_of(pieces: Sequence[Piece]) -> list[str]:
    """The columns of the input. Raises BadTable when its files differ in them, UnreadableFile."""
    first = _names(pieces[0])
    twice = sorted({name for name in first if first.count(name) > 1})
    if twice:
        raise BadTable(f"{pieces[0].path} has the column {twice[0]!r} more than once")
    for piece in pieces[1:]:
        other = set(first) ^ set(_names(piece))
        if other:
            raise BadTable(f"{piece.path} and {pieces[0].path} differ in columns: {', '.join(sorted(other))}")
    return first


def count_rows(pieces: Sequence[Piece]) -> int | None:
    """How many rows there are; None where only reading tells."""
    if any(piece.kind != "parquet" for piece in pieces):
        return None
    total = 0
    for piece in pieces:
        with _readable(piece), pq.ParquetFile(piece.path) as file:
            total += file.metadata.num_rows
    return total


def chunks(pieces: Sequence[Piece], columns: Sequence[str], rows: int, done: int = 0) -> Iterator[Chunk]:
    """The chunks of `rows` rows from number `done` on. What lies before is passed over, mostly without reading it.

    Raises UnreadableFile for a file that is damaged or has lines of another shape than its header's.
    """
    number, first = done, done * rows
    held: list[pa.RecordBatch] = []
    have = 0
    for batch in _batches(pieces, columns, first):
        held.append(batch)
        have += batch.num_rows
        while have >= rows:
            table = pa.Table.from_batches(held).combine_chunks()
            yield Chunk(number, first, table.slice(0, rows))
            rest = table.slice(rows)
            held, have = list(rest.to_batches()), rest.num_rows
            number, first = number + 1, first + rows
    if have:
        yield Chunk(number, first, pa.Table.from_batches(held).combine_chunks())


def _batches(pieces: Sequence[Piece], columns: Sequence[str], skip: int) -> Iterator[pa.RecordBatch]:
    schema: pa.Schema | None = None
    for piece in pieces:
        with _readable(piece):
            for batch in (_parquet if piece.kind == "parquet" else _csv)(piece, columns, skip):
                if isinstance(batch, int):
                    skip = batch
                    continue
                schema = schema or batch.schema
                yield _alike(batch, schema, piece)


def _alike(batch: pa.RecordBatch, schema: pa.Schema, piece: Piece) -> pa.RecordBatch:
    """A file may hold narrower numbers than the first one, or only nulls; anything else is another table."""
    if batch.schema.equals(schema):
        return batch
    try:
        return pa.RecordBatch.from_arrays([one.cast(kind) for one, kind in zip(batch, schema.types, strict=True)],
                                          schema=schema)  # fmt: skip
    except pa.ArrowException as error:
        raise BadTable(f"{piece.path} holds other types than the files before it: {error}") from error


def _parquet(piece: Piece, columns: Sequence[str], skip: int) -> Iterator[pa.RecordBatch | int]:
    """Batches after the first `skip` rows; a number is how many rows are still to be passed over."""
    with pq.ParquetFile(piece.path, pre_buffer=False, buffer_size=1 << 20) as file:
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        groups = list(range(len(sizes)))
        while groups and skip >= sizes[groups[0]]:
            skip -= sizes[groups.pop(0)]
        yield skip if not groups else 0
        for batch in file.iter_batches(_BATCH, row_groups=groups, columns=list(columns)) if groups else ():
            if skip < batch.num_rows:
                yield batch.slice(skip)
            skip = max(0, skip - batch.num_rows)


def _csv(piece: Piece, columns: Sequence[str], skip: int) -> Iterator[pa.RecordBatch | int]:
    with pa.input_stream(piece.path, compression=_compression(piece)) as stream:
        reader = pa.csv.open_csv(
            stream,
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns),
                null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
            ),
        )  # fmt: skip
        for batch in reader:
            if skip < batch.num_rows:
                yield batch.slice(skip)
            skip = max(0, skip - batch.num_rows)
            yield skip


def _names(piece: Piece) -> list[str]:
    with _readable(piece):
        if piece.kind == "parquet":
            with pq.ParquetFile(piece.path) as file:
                return list(file.schema_arrow.names)
        with pa.input_stream(piece.path, compression=_compression(piece)) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            for cells in csv.reader(text):
                return cells
        raise ValueError("it is empty, without even a header")


def _compression(piece: Piece) -> str | None:
    return "gzip" if piece.kind == "csv.gz" else None


@contextmanager
def _readable(piece: Piece) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        said: Any = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableFile(
            f"{piece.path} cannot be read as {piece.kind}: {said}",
            hint="write the file again; what was answered before it is kept",
        ) from error
