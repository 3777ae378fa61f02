"""A folder becomes a snapshot: named by its content, recorded once, and cheap to make again."""

import os
import shutil

import pytest

from noria.core.errors import BadInput
from noria.data.versions import committing, hashing, operations
from noria.data.versions.model import Origin, shown
from noria.data.versions.refs import RefMoved
from noria.tracking.runs import create_run

from .conftest import commit_in, read, write


def names(ws, snapshot):
    return [shown(entry.path) for entry in operations.manifest_of(ws, snapshot)[1]]


def facts(ws, kind):
    return [entry.data for entry in ws.journal.read(kinds=[kind])]


def test_a_folder_becomes_a_snapshot(ws, pets, commit):
    first = commit(pets, "two pets")
    assert names(ws, first) == ["cat.txt", "dogs/rex.txt"]
    assert (first.dataset, first.files, first.size, first.parents) == ("pets", 2, 8, ())
    assert operations.resolve(ws, "pets") == first

    write(pets, {"cat.txt": "purr"})
    second = commit(pets, "a content cat")
    assert second.parents == (first.id,)
    assert [one.origin.message for one in operations.log(ws, "pets")] == ["a content cat", "two pets"]


def test_committing_the_same_content_again_makes_nothing_new(ws, pets, commit):
    first = commit(pets)
    assert commit(pets) == first
    os.utime(pets / "cat.txt")
    assert commit(pets) == first
    assert len(facts(ws, "DataCommitted")) == 1


def test_the_same_content_has_the_same_root_wherever_it_lies(ws, pets, tmp_path, commit):
    other = shutil.copytree(pets, tmp_path / "elsewhere")
    assert commit(pets).root == commit(other).root


def test_only_files_that_changed_are_read_again(ws, pets, monkeypatch):
    settle(pets)
    assert operations.commit(ws, pets).hashed == 2
    write(pets, {"cat.txt": "purr"})
    read_again = []
    plain = hashing.hash_file

    def watched(root, path, stat, store):
        read_again.append(path)
        return plain(root, path, stat, store)

    monkeypatch.setattr("noria.data.versions.reading_tree.hash_file", watched)
    assert operations.commit(ws, pets).hashed == 1
    assert read_again == [b"cat.txt"]


def test_a_file_changed_within_the_tick_of_its_time_is_read_again(ws, pets, commit):
    """A change that leaves size, time and inode as they were shows only because the index did not trust the file."""
    commit(pets)
    stat = (pets / "cat.txt").stat()
    with (pets / "cat.txt").open("r+") as file:
        file.write("hiss")
    os.utime(pets / "cat.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [shown(one.path) for one in operations.status(ws, pets).changes] == ["cat.txt"]


def test_a_settled_file_that_is_changed_with_its_old_time_put_back_is_told_by_its_change_time(ws, pets, commit):
    settle(pets)
    commit(pets)
    stat = (pets / "cat.txt").stat()
    (pets / "cat.txt").write_text("hiss")
    os.utime(pets / "cat.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [one.kind for one in operations.status(ws, pets).changes] == ["changed"]


def test_a_damaged_index_is_only_a_slower_commit(ws, pets, commit):
    first = commit(pets)
    for index in ws.settings.home.glob("data/trees/*/index"):
        index.write_bytes(index.read_bytes()[:-3] + b"???")
    assert commit(pets) == first


def test_a_snapshot_knows_where_it_came_from_and_is_pinned_by_its_run(ws, pets, tmp_path, commit):
    raw = commit(pets)
    run = create_run(ws, 0)
    clean = write(tmp_path / "clean", {"cat.txt": "MEOW"})
    made = operations.commit(ws, clean, origin=Origin("cleaned", run.id, "c0de", (raw.id,))).snapshot
    kept = operations.address(ws, f"clean@{made.id[:8]}")
    assert kept == made
    assert (kept.origin.run, kept.origin.code, kept.origin.inputs) == (run.id, "c0de", (raw.id,))
    assert [pin.holder for pin in operations.list_pins(ws, made.id)] == [f"run:{run.id}"]
    assert facts(ws, "DataCommitted")[-1]["inputs"] == [raw.id]


def test_a_run_that_uses_a_snapshot_has_it_as_an_input_and_keeps_it(ws, pets, commit):
    snapshot, run = commit(pets), create_run(ws, 0)
    used = operations.use(ws, "pets", run=run.id)
    assert read(operations.Path(used.path)) == {"cat.txt": "meow", "dogs/rex.txt": "woof"}
    assert [pin.snapshot for pin in operations.list_pins(ws)] == [snapshot.id]


def test_two_writers_of_one_branch(ws, pets, tmp_path, commit):
    commit(pets)
    mine, yours = tmp_path / "mine", tmp_path / "yours"
    operations.checkout(ws, "pets", "", mine)
    operations.checkout(ws, "pets", "", yours)
    write(mine, {"cat.txt": "purr"})
    write(yours, {"fish.txt": "..."})
    won = commit(mine)
    with pytest.raises(RefMoved, match=won.id[:12]) as refused:
        commit(yours)
    assert refused.value.head == won.id
    assert operations.resolve(ws, "pets") == won

    commit(yours, branch="fish")  # nothing was lost: it goes to a branch, and then in
    merged = operations.merge(ws, "pets", "fish").snapshot
    assert names(ws, merged) == ["cat.txt", "dogs/rex.txt", "fish.txt"]


def test_a_commit_broken_off_after_the_branch_moved_is_found_to_be_done(ws, pets, commit, monkeypatch):
    commit(pets)
    write(pets, {"cat.txt": "purr"})
    monkeypatch.setattr(committing, "save_tree", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        commit(pets)
    monkeypatch.undo()
    done = commit(pets)
    assert operations.resolve(ws, "pets") == done
    assert len(operations.log(ws, "pets")) == 2
    assert not operations.status(ws, pets).behind


def test_a_folder_belongs_to_one_dataset(ws, pets, commit):
    commit(pets)
    with pytest.raises(BadInput, match="is a checkout of 'pets', not of 'birds'"):
        operations.commit(ws, pets, "birds")


def test_a_new_branch_at_the_same_content_is_no_new_snapshot(ws, pets, commit):
    first = commit(pets)
    assert commit(pets, branch="other") == first
    assert {ref.name: ref.snapshot for ref in operations.list_refs(ws, "pets")} == {"main": first.id, "other": first.id}


@pytest.mark.parametrize("name", ["", "a b", "../up", "a//b", "x" * 300, "-x", "a@b", "a\nb"])
def test_names_that_no_dataset_may_have(ws, tmp_path, name):
    folder = write(tmp_path / "what ever", {"a": "a"})
    with pytest.raises(BadInput):
        commit_in(ws, folder, dataset=name)


def settle(folder):
    """As if the files had been there for long."""
    for path in folder.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))
