"""Delta tables as sources, written by the real deltalake: pinned, moved on, vacuumed, of odd features, hostile."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from noria.core.errors import BadInput
from noria.data import operations as data
from noria.data.lake.opening import NoDeltaTable, NoVersion, UnreadableTable
from noria.data.model import DataRefused, Location, NoFiles, UnreadableFile

KINDS = {"at": pa.timestamp("us", tz="UTC"), "celsius": pa.float64(), "retries": pa.int64()}


def lake(folder, rows, mode="append", **options):
    names = ["reading_id", "station", "at", "celsius", "retries"]
    schema = pa.schema([(name, KINDS.get(name, pa.string())) for name in names])
    deltalake.write_deltalake(folder, pa.Table.from_pylist(list(rows), schema=schema), mode=mode, **options)


def at(spec, version=None, place="lake"):
    return replace(spec, location=Location(delta=place, version=version))


def read(ws, spec):
    taken = data.take_snapshot(ws, spec)
    checked = data.examine(ws, spec, taken)
    return taken, data.read_parts(ws, checked.parts)


def ids(ws, spec):
    return sorted(read(ws, spec)[1]["reading_id"].to_pylist())


@pytest.fixture
def folder(ws, row):
    """A table of three versions: two rows, two more, and one row alone."""
    place = ws.root / "lake"
    lake(place, [row(), row()])
    lake(place, [row(), row()])
    lake(place, [row()], mode="overwrite")
    return place


def test_a_pinned_version_gives_the_same_rows_though_the_table_moved_on(ws, readings, row, folder):
    taken, rows = read(ws, at(readings, 1))
    assert sorted(rows["reading_id"].to_pylist()) == ["r1", "r2", "r3", "r4"]
    assert (taken.delta.version, taken.delta.place) == (1, str(folder))
    lake(folder, [row()])
    again = data.take_snapshot(ws, at(readings, 1))
    assert again.digest == taken.digest
    assert ids(ws, at(readings)) == ["r5", "r6"]
    assert ws.journal.read()[0].data["delta"] == {"table": taken.delta.table, "version": 1}


def test_without_a_pin_every_snapshot_tells_which_version_it_read(ws, readings, row, folder):
    first = data.take_snapshot(ws, at(readings))
    assert data.take_snapshot(ws, at(readings)).digest == first.digest
    lake(folder, [row()])
    second = data.take_snapshot(ws, at(readings))
    assert (first.delta.version, second.delta.version) == (2, 3)
    assert {file.digest for file in first.files} < {file.digest for file in second.files}


def test_only_new_files_are_read(ws, readings, row, folder):
    """What was read for an earlier version needs its files no more."""
    data.take_snapshot(ws, at(readings, 0))
    for path in folder.glob("*.parquet"):
        if deltalake.DeltaTable(folder, version=0).file_uris() == [str(path)]:
            path.unlink()
    assert ids(ws, at(readings, 1)) == ["r1", "r2", "r3", "r4"]


def test_a_folder_with_a_log_is_a_table_and_its_files_are_no_source(ws, readings, folder):
    by_path = replace(readings, location=Location(path="lake", version=1))
    assert data.take_snapshot(ws, by_path).digest == data.take_snapshot(ws, at(readings, 1)).digest
    with pytest.raises(BadInput, match="a Delta table: its folder holds rows of older versions too"):
        data.take_snapshot(ws, replace(readings, location=Location("lake/*.parquet")))
    with pytest.raises(BadInput, match="only a Delta table has versions"):
        data.take_snapshot(ws, replace(readings, location=Location("data/*", version=3)))


def test_a_version_that_never_was_or_is_gone_names_those_there_are(ws, readings, folder):
    with pytest.raises(NoVersion, match="has no version 9; there are: 0 to 2"):
        data.take_snapshot(ws, at(readings, 9))
    table = deltalake.DeltaTable(folder)
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
    with pytest.raises(NoVersion, match="was vacuumed or removed; versions whose files are all there: 2, 3, 4"):
        data.take_snapshot(ws, at(readings, 1))
    assert ids(ws, at(readings, 2)) == ["r5"]
    with pytest.raises(NoDeltaTable, match="no Delta table at"):
        data.take_snapshot(ws, at(readings, place="nothing"))
    assert [entry.kind for entry in ws.journal.read()] == ["SnapshotTaken"]


def test_a_log_that_forgot_its_beginning(ws, readings, row, folder):
    table = deltalake.DeltaTable(folder)
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    table.create_checkpoint()
    table.cleanup_metadata()
    lake(folder, [row()])
    with pytest.raises(NoVersion, match="has no version 0; there are: 3 to 4"):
        data.take_snapshot(ws, at(readings, 0))
    assert ids(ws, at(readings, 3)) == ["r5"]


def test_a_column_that_changed_its_type_is_refused_by_the_usual_rules(ws, readings, row, folder):
    table = pa.table({"reading_id": ["a"], "station": ["x"], "at": [1], "celsius": ["warm"], "retries": [1]})
    deltalake.write_deltalake(folder, table, mode="overwrite", schema_mode="overwrite")
    with pytest.raises(DataRefused, match="'at' holds int64, declared time"):
        ids(ws, at(readings))
    assert ids(ws, at(readings, 1)) == ["r1", "r2", "r3", "r4"]


def test_a_column_that_came_later_and_partitions_are_filled_in(ws, readings, row, lenient):
    place = ws.root / "lake"
    first = pa.Table.from_pylist([row(station="a b/c"), row(station=None)]).drop(["retries"])
    first = first.set_column(2, "at", first["at"].cast(pa.timestamp("us")))
    deltalake.write_deltalake(place, first, partition_by=["station"])
    second = pa.Table.from_pylist([row(station="é", retries=3)])
    second = second.set_column(2, "at", second["at"].cast(pa.timestamp("us")))
    deltalake.write_deltalake(place, second, mode="append", schema_mode="merge")
    taken, rows = read(ws, at(lenient))
    found = sorted(rows.select(["reading_id", "station", "retries"]).to_pylist(), key=lambda one: one["reading_id"])
    assert found == [
        {"reading_id": "r1", "station": "a b/c", "retries": None},
        {"reading_id": "r3", "station": "é", "retries": 3},
    ]
    assert not any("station" in file.name for file in taken.files)


def test_an_empty_table_has_nothing_to_read(ws, readings):
    lake(ws.root / "lake", [])
    with pytest.raises((NoFiles, DataRefused), match="no row"):
        ids(ws, at(readings))


@pytest.fixture
def logged(folder):
    """Change the actions of the newest version of a copy of the table."""

    def change(name, edit):
        place = folder.parent / name
        shutil.copytree(folder, place)
        log = place / "_delta_log" / f"{0:020}.json"
        for later in sorted((place / "_delta_log").glob("*.json"))[1:]:
            later.unlink()
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        edit({key: value for action in actions for key, value in action.items()})
        log.write_text("".join(json.dumps(action) + "\n" for action in actions))
        return name

    return change


def test_deletion_vectors_are_applied(ws, readings, logged):
    def vector(actions):
        protocol(actions, "deletionVectors")
        actions["add"]["deletionVector"] = {
            "storageType": "i", "pathOrInlineDv": first_row_deleted(), "sizeInBytes": 34, "cardinality": 1
        }  # fmt: skip

    spec = at(readings, place=logged("vectors", vector))
    assert ids(ws, spec) == ["r2"]
    assert data.take_snapshot(ws, spec).digest == data.take_snapshot(ws, spec).digest


def first_row_deleted() -> str:
    """The deletion vector {0} as the protocol has it: a 64-bit roaring bitmap array, in Z85."""
    bitmap = b"".join(n.to_bytes(4, "little") for n in (12346, 1)) + bytes(4) + (16).to_bytes(4, "little") + bytes(2)
    data = (1681511377).to_bytes(4, "little") + (1).to_bytes(8, "little") + bytes(4) + bitmap
    assert len(data) == 34
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    text = ""
    for start in range(0, 36, 4):
        number = int.from_bytes(data.ljust(36, b"\0")[start : start + 4], "big")
        text += "".join(alphabet[number // 85**place % 85] for place in (4, 3, 2, 1, 0))
    return text


def test_mapped_columns_are_read_by_their_names(ws, lenient, logged):
    def renamed(actions):
        actions["protocol"] |= {"minReaderVersion": 2, "minWriterVersion": 5}
        meta = actions["metaData"]
        meta["configuration"] = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "5"}
        shape = json.loads(meta["schemaString"])
        swap = {"reading_id": "station", "station": "reading_id"}
        for number, field in enumerate(shape["fields"], 1):
            physical = swap.get(field["name"], field["name"])
            field["metadata"] = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical}
        meta["schemaString"] = json.dumps(shape)
        actions["add"].pop("stats", None)

    _, rows = read(ws, at(lenient, place=logged("mapped", renamed)))
    assert rows.select(["reading_id", "station"]).to_pylist() == [{"reading_id": "oslo", "station": "r1"}]


def protocol(actions, *features, reader=3, writer=7):
    actions["protocol"] |= {"minReaderVersion": reader, "minWriterVersion": writer}
    actions["protocol"] |= {"readerFeatures": list(features), "writerFeatures": list(features)}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda actions: protocol(actions, "quantum"), "Feature 'quantum' is not supported"),
        (lambda actions: actions["protocol"].update(minReaderVersion=99), "reader version 99"),
        (lambda actions: actions["metaData"].update(schemaString="{}"), "cannot be opened"),
        (lambda actions: actions["metaData"].update(schemaString=json.dumps({"type": "struct", "fields": [
            {"name": "x", "type": "hyper", "nullable": True, "metadata": {}}]})), "cannot be opened"),
        (lambda actions: actions["add"].update(path=[7]), "cannot be opened"),
    ],
)  # fmt: skip
def test_a_log_that_asks_too_much_is_refused(ws, readings, logged, edit, said):
    with pytest.raises(UnreadableTable, match=said):
        data.take_snapshot(ws, at(readings, place=logged("odd", edit)))
    assert ws.journal.read() == []


@pytest.mark.parametrize("features", [(), ("deletionVectors",)])
@pytest.mark.parametrize("path", ["../secret.parquet", "%2e%2e/secret.parquet", "{secret}", "file://{secret}"])
def test_a_log_that_points_out_of_its_folder_reads_nothing_there(ws, readings, row, logged, path, features):
    lake(ws.root / "other", [row()])
    secret = next((ws.root / "other").glob("*.parquet")).rename(ws.root / "secret.parquet")

    def point(actions):
        protocol(actions, *features)
        actions["add"]["path"] = path.format(secret=secret)

    with pytest.raises((NoVersion, UnreadableFile, UnreadableTable)):
        ids(ws, at(readings, place=logged("pointing", point)))
    assert not list(ws.folder("tmp").iterdir())


@pytest.mark.parametrize("content", [b"", b"not json\n", b"\x00\xff" * 100, b"{}\n" * 3, b"[" * 100_000])
def test_a_torn_log_is_no_table(ws, readings, folder, content):
    (folder / "_delta_log" / f"{0:020}.json").write_bytes(content)
    with pytest.raises(UnreadableTable, match="cannot be opened"):
        data.take_snapshot(ws, at(readings))


def test_a_data_file_that_is_none(ws, readings, folder):
    for path in folder.glob("*.parquet"):
        path.write_bytes(b"PAR1 but no more")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        data.take_snapshot(ws, at(readings))
    assert not list(ws.folder("tmp").iterdir())


def test_it_says_what_to_install(ws, readings, folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    with pytest.raises(BadInput, match="needs deltalake") as error:
        data.take_snapshot(ws, at(readings))
    assert "noria[lake]" in error.value.hint


def test_the_place_may_be_anywhere(ws, readings, folder):
    for place in (str(folder), f"file://{folder}", f"../{Path(ws.root).name}/lake"):
        assert data.take_snapshot(ws, at(readings, 2, place)).delta.place == str(folder)
