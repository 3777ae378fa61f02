"""Committed data loses a person in every snapshot; ids, branches and everybody else's rows stay."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.data.versions import operations as versions
from noria.data.versions.model import TableSpec
from noria.erasure.operations import erase, look, subject_of

WHOM = subject_of("user=u-4711")


def put(folder, name, users):
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table({"id": list(range(len(users))), "user": users}), folder / name)


@pytest.fixture
def orders(ws, tmp_path):
    """Two snapshots of one table; the second has one file more."""
    folder = tmp_path / "orders"
    put(folder, "a.parquet", ["a", "u-4711", "b"])
    (folder / "notes.csv").write_text("user,said\nu-4711,hello\nb,bye\n")
    spec = TableSpec("orders", "*.parquet", ("id",))
    first = versions.commit(ws, folder, "orders", tables=[spec]).snapshot
    put(folder, "b.parquet", ["c", "zz"])
    return folder, first, versions.commit(ws, folder, "orders", tables=[spec]).snapshot


def users(folder):
    return {path.name: pq.read_table(path)["user"].to_pylist() for path in sorted(folder.glob("*.parquet"))}


def test_every_snapshot_is_without_them_and_keeps_its_id(ws, orders, tmp_path):
    folder, first, second = orders
    assert look(ws, WHOM)[1]
    certificate = erase(ws, WHOM)
    assert certificate.remaining == ()
    assert users(folder) == {"a.parquet": ["a", "b"], "b.parquet": ["c", "zz"]}
    assert (folder / "notes.csv").read_text() == "user,said\nb,bye\n"
    assert [one.id for one in versions.log(ws, "orders")] == [second.id, first.id]
    versions.checkout(ws, "orders", first.id, tmp_path / "again")
    assert users(tmp_path / "again") == {"a.parquet": ["a", "b"]}


def test_statistics_of_its_tables_are_of_what_is_left(ws, tmp_path):
    folder = tmp_path / "orders"
    put(folder, "a.parquet", ["a", "u-4711"])
    snapshot = versions.commit(ws, folder, "orders", tables=[TableSpec("orders", "*.parquet")]).snapshot
    erase(ws, WHOM)
    (table,) = versions.manifest_of(ws, versions.address(ws, f"orders@{snapshot.id}"))[0].tables
    assert (table.rows, table.statistics["user"]["max"]) == (1, "a")


def test_what_was_erased_is_clean_and_the_work_goes_on(ws, orders):
    folder, _, second = orders
    erase(ws, WHOM)
    assert not versions.status(ws, folder).changes
    put(folder, "c.parquet", ["d"])
    assert versions.commit(ws, folder, "orders").snapshot.parents == (second.id,)
