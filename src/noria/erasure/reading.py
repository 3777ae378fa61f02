"""The proof: every file read again, decoded as what it is, and searched for the subject.

A search of bytes proves nothing where they are compressed or encoded, so each kind of file is opened by what reads it:
Parquet column by column with its statistics and notes, databases row by row, MessagePack and JSON to their leaves,
archives member by member. The bytes themselves are searched as well: freed pages are no rows.
"""

from __future__ import annotations

import gzip
import io
import json
import pickletools
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noria.erasure.model import Subject
from noria.erasure.values import mentions
from noria.features.online.packing import unfolded
from noria.stores.spool import read_spool

_PASSED_OVER = {".git", ".venv", "__pycache__", "node_modules", ".pytest_cache"}
_CHUNK = 1 << 20
_DEEP = 4


def files_below(*roots: Path) -> list[Path]:
    """Every file below the folders, each once, but for what tools keep of the code."""
    found: dict[Path, None] = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root).parts
            if not _PASSED_OVER & set(inside) and path.is_file() and not path.is_symlink():
                found[path.resolve()] = None
    return list(found)


def hits_in(path: Path, subject: Subject) -> list[str]:
    """Where in a file the subject is named, each place once."""
    return list(dict.fromkeys(_hits(path, subject)))


def _hits(path: Path, subject: Subject) -> Iterator[str]:
    try:
        if subject.mentioned(path.name):
            yield "its name"
        if path.name == "data.mdb":
            yield from _lmdb(path.parent, subject)
        elif path.suffix == ".spool":
            yield from _records(path, subject)
        with path.open("rb") as file:
            head = file.read(8)
        if head[:4] == b"PAR1":
            yield from _parquet(pq.ParquetFile(path), subject)
        elif not head.startswith(b"SQLite ") and path.stat().st_size < 256 * _CHUNK:
            yield from _decoded(path.read_bytes(), subject)
        yield from _bytes(path, subject)
    except (OSError, pa.ArrowInvalid, lmdb.Error) as error:
        yield f"cannot be read: {type(error).__name__}"


def _parquet(file: pq.ParquetFile, subject: Subject) -> Iterator[str]:
    for name, note in (file.schema_arrow.metadata or {}).items():
        yield from _decoded(note, subject, f"note {name.decode(errors='replace')}")
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        for column in range(group.num_columns):
            told = group.column(column).statistics
            if told is not None and told.has_min_max:
                for bound in (told.min, told.max):
                    for _ in mentions(bound, subject):
                        yield f"statistics of {group.column(column).path_in_schema}"
    for batch in file.iter_batches():
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            if _holds(values, subject, mine=name.rpartition(".")[2] == subject.column):
                yield f"column {name}"


def _holds(values: pa.Array, subject: Subject, *, mine: bool) -> bool:
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary
    kind = values.type
    if pa.types.is_nested(kind):
        return any(True for value in values.to_pylist() for _ in mentions(value, subject))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return any(True for value in values.to_pylist() if value for _ in _decoded(value, subject))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        likely = pc.fill_null(pc.match_substring(values, subject.value), False)
        return any(subject.mentioned(text) for text in pc.unique(values.filter(likely)).to_pylist())
    return mine and subject.value in pc.unique(values).cast(pa.string()).to_pylist()


def _lmdb(folder: Path, subject: Subject) -> Iterator[str]:
    environment = lmdb.open(str(folder), readonly=True, lock=False, map_size=64 << 30)
    try:
        with environment.begin() as transaction, transaction.cursor() as cursor:
            for number, (key, value) in enumerate(cursor):
                for part, data in (("key", key), ("value", value)):
                    for _ in _decoded(data, subject):
                        yield f"{part} {number}"
    finally:
        environment.close()


def _records(path: Path, subject: Subject) -> Iterator[str]:
    first = int(path.stem)
    for number, record in read_spool(path.parent, first - 1):
        for _ in _decoded(record, subject):
            yield f"record {number}"


def _decoded(data: bytes, subject: Subject, at: str = "", depth: int = 0) -> Iterator[str]:
    """What the bytes say under each reading that they allow."""
    for read in (_json, _packed, _pickled):
        try:
            value = read(data)
        except (ValueError, RecursionError, TypeError, IndexError, AttributeError):
            continue
        yield from mentions(value, subject, at)
    if depth < _DEEP:
        for name, inner in _unpacked(data):
            yield from _decoded(inner, subject, f"{at}{name}", depth + 1)
            if subject.value.encode() in inner:
                yield f"{at}{name}"


def _json(data: bytes) -> Any:
    return json.loads(data) if data[:1] in b'{["' else None


def _packed(data: bytes) -> Any:
    return unfolded(data)


def _pickled(data: bytes) -> list[Any]:
    """The texts of a pickle, which is read and never run."""
    if data[:1] != b"\x80":
        return []
    return [told for _, told, _ in pickletools.genops(data) if isinstance(told, str | bytes)]


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The members of an archive, or what a compressed stream says."""
    try:
        if data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    yield f"[{name}]", archive.read(name)
        elif data[:2] == b"\x1f\x8b":
            yield "[gzip]", gzip.decompress(data)
        elif data[:1] == b"x" and data[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            yield "[zlib]", zlib.decompress(data)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return


def _bytes(path: Path, subject: Subject) -> Iterator[str]:
    """The plain bytes; the subject's value in UTF-8 and UTF-16."""
    wanted = [subject.value.encode(), subject.value.encode("utf-16-le")]
    longest, tail = max(map(len, wanted)), b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            window = tail + chunk
            for one in wanted:
                at = window.find(one)
                while at >= 0:
                    around = window[max(at - 1, 0) : at + len(one) + 1]
                    if subject.mentioned(around.replace(b"\0", b"").decode("latin-1")):
                        yield "its bytes"
                        return
                    at = window.find(one, at + 1)
            tail = window[-longest - 1 :]
