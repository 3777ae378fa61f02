"""Tables lose the subject's rows and nothing else."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.erasure.model import Subject
from noria.erasure.rows import NotRows, keys_of, without_rows

WHOM = Subject("user", "u-4711", {"order": frozenset(["17"])})
TABLE = pa.table({"order": [16, 17, 18, None], "user": ["a", None, "u-4711", "b"], "price": [1.5, 2.5, 3.5, 4.5]})


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_parquet(tmp_path, compression, size):
    noted = TABLE.replace_schema_metadata({"a": "b"})
    pq.write_table(noted, tmp_path / "a", compression=compression, row_group_size=size)
    assert without_rows(tmp_path / "a", tmp_path / "b", WHOM) == 2
    found = pq.read_table(tmp_path / "b")
    assert found.to_pydict() == {"order": [16, None], "user": ["a", "b"], "price": [1.5, 4.5]}
    assert found.schema.equals(noted.schema, check_metadata=True)


def test_csv(tmp_path):
    (tmp_path / "a").write_text('order,user,note\n16,a,"two\nlines, here"\n17,,x\n18,u-4711,y\n')
    assert without_rows(tmp_path / "a", tmp_path / "b", WHOM) == 2
    assert (tmp_path / "b").read_text() == 'order,user,note\n16,a,"two\nlines, here"\n'


def test_a_table_without_the_subject_is_not_written(tmp_path):
    pq.write_table(pa.table({"price": [1]}), tmp_path / "a")
    assert without_rows(tmp_path / "a", tmp_path / "b", WHOM) == 0
    assert not (tmp_path / "b").exists()


def test_what_is_no_table_is_told(tmp_path):
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00 no text")
    with pytest.raises(NotRows):
        without_rows(tmp_path / "a", tmp_path / "b", WHOM)


def test_keys_of_the_subjects_rows(tmp_path):
    pq.write_table(TABLE, tmp_path / "a")
    assert keys_of(tmp_path / "a", Subject("user", "u-4711"), "order") == {"18"}
    assert keys_of(tmp_path / "a", Subject("user", "u-4711"), "nothing") == set()
