"""Collection removes what nobody can ask for, and nothing else."""

import shutil
from pathlib import Path

import pytest

from noria.core.errors import BadInput
from noria.data.versions import operations
from noria.data.versions.objects import CollectionBusy
from noria.data.versions.places import object_store

from .conftest import commit_in, read, write


def test_what_no_name_reaches_goes(ws, tmp_path, commit):
    folder = write(tmp_path / "d", {"a": "first"})
    commit(folder)
    operations.branch(ws, "d", "other")
    lost = commit(write(folder, {"a": "second", "b": "more"}), branch="other")
    commit_in(ws, write(tmp_path / "e", {"a": "first"}))
    operations.checkout(ws, "d", "main", folder)
    operations.delete_ref(ws, "d", "other")

    would = operations.collect(ws, dry_run=True)
    assert (would.removed, would.dry) == (4, True)  # two contents, a page and a root
    assert operations.collect(ws).removed == 4
    assert operations.collect(ws).removed == 0
    operations.checkout(ws, "d", "main", tmp_path / "again")
    assert read(tmp_path / "again") == {"a": "first"}
    assert operations.address(ws, f"d@{lost.id[:12]}") == lost  # its lineage stays readable
    assert [entry.data["objects"] for entry in ws.journal.read(kinds=["DataCollected"])] == [4]


def test_pins_trees_and_tags_hold(ws, tmp_path, commit):
    folder = write(tmp_path / "d", {"a": "1"})
    snapshots = [commit(write(folder, {"a": text}), branch="other") for text in ("pinned", "tagged", "in a tree")]
    commit_in(ws, write(tmp_path / "e", {"z": "z"}), dataset="d")
    operations.pin(ws, snapshots[0].id, "model:lateness/3")
    operations.tag(ws, "d", "v1", snapshots[1].id)
    operations.delete_ref(ws, "d", "other")
    assert operations.collect(ws).removed == 0
    operations.delete_ref(ws, "d", "v1")
    operations.unpin(ws, snapshots[0].id, "model:lateness/3")
    assert operations.collect(ws).removed == 6
    assert operations.status(ws, folder).changes == ()


def test_a_shorter_history(ws, tmp_path, commit):
    folder = tmp_path / "d"
    snapshots = [commit(write(folder, {"a": str(number)})) for number in range(5)]
    assert operations.collect(ws, history=2, dry_run=True).removed == 9
    operations.pin(ws, snapshots[0].id, "run:x")
    assert operations.collect(ws, history=2).removed == 6
    operations.checkout(ws, "d", snapshots[0].id, tmp_path / "old")
    assert len(operations.log(ws, "d")) == 5
    with pytest.raises(BadInput):
        operations.collect(ws, history=0)


def test_no_collection_while_somebody_uses_the_objects(ws, pets, commit):
    commit(pets)
    with object_store(ws).using(), pytest.raises(CollectionBusy, match="is using the objects"):
        operations.collect(ws)
    assert operations.collect(ws).removed == 0


def test_what_a_killed_writer_left_goes(ws, pets, commit):
    commit(pets)
    left = object_store(ws).temporary()
    Path(left).write_text("half")
    operations.collect(ws, dry_run=True)
    assert list(object_store(ws).left_over()) == [left]
    operations.collect(ws)
    assert list(object_store(ws).left_over()) == []


def test_the_folder_of_a_tree_that_is_gone_holds_nothing(ws, tmp_path, commit):
    folder = write(tmp_path / "d", {"a": "1"})
    commit(folder)
    operations.delete_ref(ws, "d", "main")
    assert operations.collect(ws).removed == 0
    shutil.rmtree(folder)
    assert operations.collect(ws).removed == 3
