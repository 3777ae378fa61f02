"""The reading finds a name wherever a file may hide it; a search of bytes would miss most of these."""

import gzip
import json
import pickle
import zipfile
import zlib

import lmdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.erasure.model import Subject
from noria.erasure.reading import files_below, hits_in
from noria.stores.compaction import compact_lmdb
from noria.stores.spool import Spool
from noria.stores.sqlite import sqlite_module

WHOM = Subject("user", "u-4711")
ROW = {"user": "u-4711", "age": 7}


def parquet(path, **options):
    pq.write_table(pa.table({"user": ["a", "u-4711", "z"], "age": [1, 2, 3]}), path, **options)


def noted(path):
    pq.write_table(pa.table({"age": [1]}).replace_schema_metadata({"note": json.dumps(ROW)}), path)


def nested(path):
    pq.write_table(pa.table({"rows": [[ROW], None]}), path, compression="zstd")


def zipped(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json", json.dumps([ROW]))


def written(data):
    return lambda path: path.write_bytes(data)


HIDDEN = {
    "compressed.parquet": lambda path: parquet(path, compression="zstd"),
    "dictionary.parquet": lambda path: parquet(path, use_dictionary=True, compression="gzip"),
    "note.parquet": noted,
    "nested.parquet": nested,
    "escaped.json": written(b'{"user": "u\\u002d4711"}'),
    "named.json": written(b'{"top": {"u-4711": 3}}'),
    "plain.csv": written(b"user,age\nu-4711,7\n"),
    "packed.bin": written(msgspec.msgpack.encode([ROW])),
    "model.pkl": written(pickle.dumps(ROW)),
    "rows.gz": written(gzip.compress(json.dumps(ROW).encode())),
    "rows.z": written(zlib.compress(json.dumps(ROW).encode())),
    "archive.zip": zipped,
    "wide.txt": written("u-4711".encode("utf-16-le")),
    "u-4711.txt": written(b""),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_it_is_found(tmp_path, name):
    HIDDEN[name](tmp_path / name)
    assert hits_in(tmp_path / name, WHOM)


@pytest.mark.parametrize("text", ["u-47110", "xu-4711", "4711", "U-4711", "u-471"])
def test_somebody_else_is_not(tmp_path, text):
    (tmp_path / "a.json").write_text(json.dumps({"user": text}))
    pq.write_table(pa.table({"user": [text]}), tmp_path / "a.parquet")
    assert [hits_in(path, WHOM) for path in files_below(tmp_path)] == [[], []]


def test_a_number_is_found_in_its_own_column_alone(tmp_path):
    pq.write_table(pa.table({"user": [4711], "age": [7]}), tmp_path / "a.parquet", write_statistics=False)
    pq.write_table(pa.table({"user": [1], "age": [4711]}), tmp_path / "b.parquet", write_statistics=False)
    found = [hits_in(path, Subject("user", "4711")) for path in files_below(tmp_path)]
    assert found == [["column user"], []]


def test_deleted_rows_are_found_until_the_file_is_written_anew(tmp_path):
    database = sqlite_module().connect(tmp_path / "a.db", isolation_level=None)
    database.execute("PRAGMA secure_delete = OFF")
    database.execute("CREATE TABLE t (x TEXT)")
    database.execute("INSERT INTO t VALUES ('u-4711')")
    database.execute("DELETE FROM t")
    assert hits_in(tmp_path / "a.db", WHOM) == ["its bytes"]
    database.execute("VACUUM")
    assert hits_in(tmp_path / "a.db", WHOM) == []


def test_the_online_stores_free_pages_too(tmp_path):
    with lmdb.open(str(tmp_path), map_size=1 << 20) as store:
        for key in (b"u-4711", b"other"):
            with store.begin(write=True) as transaction:
                transaction.put(key, msgspec.msgpack.encode(ROW if key == b"u-4711" else {}))
        with store.begin(write=True) as transaction:
            transaction.delete(b"u-4711")
    assert hits_in(tmp_path / "data.mdb", WHOM) == ["its bytes"]
    compact_lmdb(tmp_path)
    assert hits_in(tmp_path / "data.mdb", WHOM) == []
    with lmdb.open(str(tmp_path), map_size=1 << 20) as store, store.begin() as transaction:
        assert transaction.get(b"other") is not None


def test_a_spool(tmp_path):
    spool = Spool(tmp_path)
    spool.append(msgspec.msgpack.encode(["Order", "", 1, [[ROW, 5]]]))
    spool.close()
    (segment,) = tmp_path.glob("*.spool")
    assert "record 0" in hits_in(segment, WHOM)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    assert hits_in(tmp_path / "torn.parquet", WHOM) == ["cannot be read: ArrowInvalid"]
