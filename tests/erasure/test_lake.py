"""A person leaves a Delta table that the real deltalake wrote: every file that is left is decoded."""

import deltalake
import pyarrow as pa
import pytest

from noria.core.schema import Column, Schema
from noria.data import operations as data
from noria.data.lake.forgetting import forget_rows
from noria.data.lake.opening import NoVersion
from noria.data.model import Location, SourceSpec
from noria.erasure.model import Subject
from noria.erasure.operations import erase
from noria.erasure.reading import files_below, hits_in
from noria.testing.workspace import make_workspace

ANNA = Subject("who", "anna-4711")
SCHEMA = Schema((Column("who", "string"), Column("at", "time"), Column("n", "int")), event_time="at")


def write(place, *who, mode="append", **options):
    rows = {"who": list(who), "at": pa.array(range(len(who)), pa.timestamp("us", tz="UTC")), "n": range(len(who))}
    deltalake.write_deltalake(place, pa.table(rows), mode=mode, **options)


def traces(folder, subject=ANNA):
    return {
        path.relative_to(folder).as_posix(): found for path in files_below(folder) if (found := hits_in(path, subject))
    }


def people(folder):
    return sorted(deltalake.DeltaTable(folder).to_pyarrow_table()["who"].to_pylist())


@pytest.mark.parametrize("partitions", [None, ["who"]])
def test_every_trace_goes_and_everybody_else_stays(tmp_path, partitions):
    changes = {"delta.enableChangeDataFeed": "true", "delta.logRetentionDuration": "interval 90 days"}
    write(tmp_path, "anna-4711", "ben", "carl", configuration=changes, partition_by=partitions)
    write(tmp_path, "anna-4711", "dora")
    deltalake.DeltaTable(tmp_path).update({"n": "n + 1"}, predicate="who = 'anna-4711'")
    deltalake.DeltaTable(tmp_path).delete("who = 'anna-4711' AND n > 5")
    assert len(traces(tmp_path)) >= 3, "data, change files, statistics and conditions in the log"
    assert forget_rows(str(tmp_path), "who", "anna-4711") == 2
    assert traces(tmp_path) == {}
    assert not [path for path in tmp_path.rglob("*") if "anna-4711" in path.name]
    assert people(tmp_path) == ["ben", "carl", "dora"]
    settings = deltalake.DeltaTable(tmp_path).metadata().configuration
    assert settings["delta.logRetentionDuration"] == "interval 90 days"
    write(tmp_path, "emil")
    assert people(tmp_path) == ["ben", "carl", "dora", "emil"]


def test_somebody_who_is_only_in_earlier_versions(tmp_path):
    write(tmp_path, "anna-4711", "ben")
    write(tmp_path, "carl", mode="overwrite")
    assert traces(tmp_path)
    assert forget_rows(str(tmp_path), "who", "anna-4711") == 0
    assert (traces(tmp_path), people(tmp_path)) == ({}, ["carl"])
    assert forget_rows(str(tmp_path), "who", "anna-4711") == 0


def test_an_erasure_that_was_killed_before_its_end_is_done_again(tmp_path, monkeypatch):
    write(tmp_path, "anna-4711", "ben")
    with monkeypatch.context() as patch:
        patch.setattr(deltalake.DeltaTable, "vacuum", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(deltalake, "PostCommitHookProperties", lambda **_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            forget_rows(str(tmp_path), "who", "anna-4711")
    assert traces(tmp_path)
    assert forget_rows(str(tmp_path), "who", "anna-4711") == 0
    assert (traces(tmp_path), people(tmp_path)) == ({}, ["ben"])
    settings = deltalake.DeltaTable(tmp_path).metadata().configuration
    assert settings["delta.logRetentionDuration"] == "interval 30 days"


def test_a_number_and_an_odd_name_can_be_a_subject(tmp_path):
    deltalake.write_deltalake(tmp_path, pa.table({'a "b".c': [123456789, 1], "o'": ["x", "y"]}))
    assert forget_rows(str(tmp_path), 'a "b".c', "123456789") == 1
    assert forget_rows(str(tmp_path), "o'", "it's") == 0
    assert forget_rows(str(tmp_path), "nothing", "x") == 0
    assert deltalake.DeltaTable(tmp_path).count() == 1


def test_it_belongs_to_an_erasure(tmp_path):
    lake = tmp_path / "outside" / "lake"
    write(lake, "anna-4711", "ben")
    write(lake, "carl", "anna-4711")
    root = tmp_path / "project"
    ws = make_workspace(root)
    spec = SourceSpec("Visit", SCHEMA, Location(delta=str(lake), version=0))
    data.check(ws, spec, data.take_snapshot(ws, spec))
    done = erase(ws, ANNA)
    assert done.remaining == ()
    assert ("Delta table", lake.as_posix(), 2) in [(one.kind, one.name, one.found) for one in done.places]
    assert traces(lake) == traces(root) == {}
    assert people(lake) == ["ben", "carl"]
    with pytest.raises(NoVersion, match="has no version 0; there are"):
        data.take_snapshot(ws, spec)
    ws.close()
