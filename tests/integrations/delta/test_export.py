"""Tables of data versions become Delta tables, which the real deltalake reads: once, however often it is asked."""

import json
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.core.errors import BadInput, NotFound
from noria.data.versions import operations as versions
from noria.data.versions.model import TableSpec
from noria.data.versions.rows import NoKey
from noria.integrations.delta.exchange import DELTA
from noria.integrations.delta.types import NoDeltaType
from noria.integrations.delta.writing import TableThere, WriteRefused
from noria.testing.workspace import make_workspace


@pytest.fixture
def ws(tmp_path):
    workspace = make_workspace(tmp_path / "project")
    yield workspace
    workspace.close()


@pytest.fixture
def commit(ws, tmp_path):
    """Commit a table as the dataset `pets`, a second after the one before."""

    def write(table, key=("id",), name="rows.parquet"):
        folder = tmp_path / "pets"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.unlink(missing_ok=True)
        if isinstance(table, str):
            path.write_text(table)
        else:
            pq.write_table(table, path)
        ws.clock.advance_to(ws.clock.now() + 1_000_000)
        return versions.commit(ws, folder, tables=[TableSpec("rows", name, key)]).snapshot

    return write


def pets(*rows):
    return pa.table({"id": [one for one, _ in rows], "name": [name for _, name in rows]})


def rows_of(place):
    return sorted(tuple(row.values()) for row in deltalake.DeltaTable(place).to_pyarrow_table().to_pylist())


def test_a_table_is_written_once_however_often_it_is_asked(ws, commit, tmp_path):
    snapshot = commit(pets((1, "rex"), (2, "tom")))
    lake = tmp_path / "lake"
    assert DELTA.write(ws, snapshot, str(lake), "", "").told == "version 0, 2 rows"
    assert "nothing was written" in DELTA.write(ws, snapshot, str(lake), "rows", "").told
    assert "nothing was written" in DELTA.write(ws, snapshot, str(lake), "", "append").told
    assert rows_of(lake) == [(1, "rex"), (2, "tom")]
    commit_info = deltalake.DeltaTable(lake).history(1)[0]
    assert (commit_info["noria.snapshot"], commit_info["noria.table"]) == (snapshot.id, "rows")


def test_append_overwrite_and_merge(ws, commit, tmp_path):
    lake = str(tmp_path / "lake")
    first, second = commit(pets((1, "rex"), (2, "tom"))), commit(pets((2, "TOM"), (3, "kit")))
    DELTA.write(ws, first, lake, "", "")
    with pytest.raises(TableThere, match="there is a Delta table at"):
        DELTA.write(ws, second, lake, "", "")
    for _ in range(2):
        DELTA.write(ws, second, lake, "", "merge")
    assert rows_of(lake) == [(1, "rex"), (2, "TOM"), (3, "kit")]
    DELTA.write(ws, second, lake, "", "append")
    assert len(rows_of(lake)) == 5
    DELTA.write(ws, second, lake, "", "overwrite")
    assert "nothing was written" in DELTA.write(ws, second, lake, "", "overwrite").told
    assert rows_of(lake) == [(2, "TOM"), (3, "kit")]
    assert "rows" in DELTA.write(ws, first, lake, "", "append").told, "what was overwritten is not there any more"
    assert len(rows_of(lake)) == 4


def test_types_are_kept_or_widened_and_never_cut(ws, commit, tmp_path):
    zone, far = pa.timestamp("us", tz="Europe/Oslo"), "x" * 3_000_000
    table = pa.table({
        "id": pa.array([1, 2, 3], pa.uint64()),
        "exact": pa.array([Decimal("123456789012345678901234567890.12345678"), None, Decimal("-0.00000001")],
                          pa.decimal128(38, 8)),
        "naive": pa.array([-1, 0, None], pa.timestamp("us")),
        "zoned": pa.array([1_700_000_000_000_000, None, -62_135_596_800_000_000], zone),
        "ns": pa.array([1_000, None, -1_000], pa.timestamp("ns")),
        "small": pa.array([255, None, 0], pa.uint8()),
        "word": pa.array(["é\0\n", None, "é\0\n"], pa.string()).dictionary_encode(),
        "long": [far, "", None],
        "raw": pa.array([b"\xff", b"", None], pa.binary()),
        "real": [float("nan"), float("-inf"), -0.0],
        "list": pa.array([[1, None], [], None], pa.list_(pa.uint32())),
        "deep": pa.array([{"a b": 1}, None, {"a b": None}], pa.struct([("a b", pa.uint16())])),
    })  # fmt: skip
    DELTA.write(ws, commit(table), str(tmp_path / "lake"), "", "")
    found = deltalake.DeltaTable(tmp_path / "lake").to_pyarrow_table().select(table.column_names)
    assert [str(field.type) for field in found.schema][:6] == [
        "decimal128(20, 0)", "decimal128(38, 8)", "timestamp[us]", "timestamp[us, tz=UTC]", "timestamp[us]", "int16",
    ]  # fmt: skip
    for name in table.column_names:
        assert repr(found[name].cast(table.schema.field(name).type).to_pylist()) == repr(table[name].to_pylist()), name


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array([1_001], pa.timestamp("ns")), "would lose data"),
        (pa.array([1], pa.time64("us")), "which Delta Lake does not have"),
        (pa.array([1], pa.duration("s")), "which Delta Lake does not have"),
        (pa.array([Decimal(1)], pa.decimal256(50, 0)), "which Delta Lake does not have"),
    ],
)
def test_what_delta_would_lose_is_refused_and_nothing_is_there(ws, commit, tmp_path, values, said):
    snapshot = commit(pa.table({"id": [1], "odd": values}))
    with pytest.raises(NoDeltaType, match=said):
        DELTA.write(ws, snapshot, str(tmp_path / "lake"), "", "")
    assert not (tmp_path / "lake" / "_delta_log").exists()


def test_csv_keeps_the_types_it_was_committed_with(ws, commit, tmp_path):
    text = 'id,at,price,note\n1,2024-06-10 12:00:00,1.5,"a ""b""\nc"\n2,,2,\n'
    DELTA.write(ws, commit(text, name="rows.csv"), str(tmp_path / "lake"), "", "")
    table = deltalake.DeltaTable(tmp_path / "lake").to_pyarrow_table()
    assert [str(kind) for kind in table.schema.types] == ["int64", "timestamp[us]", "double", "string"]
    assert table["note"].to_pylist() == ['a "b"\nc', None]


def test_an_empty_table_and_odd_column_names(ws, commit, tmp_path):
    empty = pa.table({"id": pa.array([], pa.int64()), "name": pa.array([], pa.string())})
    DELTA.write(ws, commit(empty), str(tmp_path / "empty"), "", "")
    assert deltalake.DeltaTable(tmp_path / "empty").to_pyarrow_table().num_rows == 0
    odd = pa.table({'A "b".c': [1, 2], "SELECT": ["x", "y"]})
    for _ in range(2):
        DELTA.write(ws, commit(odd, key=('A "b".c',)), str(tmp_path / "odd"), "", "merge")
    assert rows_of(tmp_path / "odd") == [(1, "x"), (2, "y")]


def test_what_does_not_fit_is_refused_and_loses_nothing(ws, commit, tmp_path):
    lake = str(tmp_path / "lake")
    DELTA.write(ws, commit(pets((1, "rex"))), lake, "", "")
    with pytest.raises(WriteRefused, match="does not take the rows"):
        DELTA.write(ws, commit(pa.table({"id": ["one"], "colour": ["red"]})), lake, "", "append")
    deltalake.DeltaTable(lake).alter.add_constraint({"positive": "id > 0"})
    with pytest.raises(WriteRefused, match="1 rows failed validation check"):
        DELTA.write(ws, commit(pets((-1, "no"))), lake, "", "append")
    for bad in (pets((1, "a"), (1, "b")), pa.table({"id": pa.array([None], pa.int64()), "name": ["x"]})):
        with pytest.raises(NoKey, match="null or there twice"):
            DELTA.write(ws, commit(bad), lake, "", "merge")
    assert rows_of(lake) == [(1, "rex")]


def test_bad_wishes_are_told(ws, commit, tmp_path):
    snapshot = commit(pets((1, "rex")), key=())
    with pytest.raises(NoKey, match="no key to merge by"):
        DELTA.write(ws, snapshot, str(tmp_path / "lake"), "", "merge")
    with pytest.raises(BadInput, match="not written by 'upsert'"):
        DELTA.write(ws, snapshot, str(tmp_path / "lake"), "", "upsert")
    with pytest.raises(NotFound, match="there are: rows"):
        DELTA.write(ws, snapshot, str(tmp_path / "lake"), "row", "")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_text("a")
    with pytest.raises(BadInput, match="has no tables"):
        DELTA.write(ws, versions.commit(ws, tmp_path / "plain").snapshot, str(tmp_path / "lake"), "", "")
    with pytest.raises(BadInput, match="versions of its own"):
        DELTA.read(ws, tmp_path / "lake")


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_writers_at_once_lose_and_double_nothing(ws, commit, tmp_path, mode):
    """Five snapshots, each written by two threads, into a table that is not there yet."""
    snapshots = [commit(pets(*((number * 10 + one, f"{number}") for one in range(10)))) for number in range(5)]
    gate, failed = threading.Barrier(10), []

    def write(snapshot):
        gate.wait()
        try:
            DELTA.write(ws, snapshot, str(tmp_path / "lake"), "", mode)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(one,)) for one in snapshots * 2]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert rows_of(tmp_path / "lake") == [(number * 10 + one, f"{number}") for number in range(5) for one in range(10)]


def test_killed_at_any_step_and_done_again_it_is_there_once(ws, commit, tmp_path):
    """`kill -9` when the log or a data file of the table has just been touched, for each of the writer's steps."""
    snapshot = commit(pets(*((number, "x" * 50) for number in range(5000))))
    lake = tmp_path / "lake"
    DELTA.write(ws, commit(pets((-1, "first"))), str(lake), "", "")
    for moment in ("before", "opened", "read", "written"):
        child = subprocess.Popen([sys.executable, __file__, ws.root, snapshot.id, lake, moment])
        assert child.wait(60) == -signal.SIGKILL
        there = {"written": 5001}.get(moment, 1)
        assert deltalake.DeltaTable(lake).count() == there
    assert "nothing was written" in DELTA.write(ws, snapshot, str(lake), "", "append").told
    assert deltalake.DeltaTable(lake).count() == 5001


def test_the_command(ws, commit, tmp_path):
    commit(pets((1, "rex")))
    noria = [sys.executable, "-m", "noria.cli.main", "data", "export", "pets", "lake", "--format", "delta"]
    for told in ("version 0, 1 rows", "nothing was written"):
        done = subprocess.run([*noria, "-C", ws.root, "--json"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert told in json.loads(done.stdout)["told"]
    assert rows_of(tmp_path / "lake") == [(1, "rex")]


def die_at(root: str, snapshot: str, lake: str, moment: str) -> None:
    """Write, and kill this very process at a moment of it."""
    from noria.integrations.delta import exchange, writing

    def deadly(function):
        def called(*given, **named):
            result = None if moment == "before" else function(*given, **named)
            os.kill(os.getpid(), signal.SIGKILL)
            return result

        return called

    if moment in ("before", "written"):
        writing._commit = deadly(writing._commit)
    elif moment == "opened":
        exchange.reading = deadly(exchange.reading)
    else:
        from noria.integrations.delta import rows

        rows.cast_batch = deadly(rows.cast_batch)
    ws = make_workspace(Path(root))
    DELTA.write(ws, versions.address(ws, f"pets@{snapshot}"), lake, "", "append")


if __name__ == "__main__":
    die_at(*sys.argv[1:])
