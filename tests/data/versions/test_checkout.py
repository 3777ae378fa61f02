"""A snapshot becomes a folder: only what differs is touched, and nothing uncommitted is lost."""

import os

import pytest

from noria.core.errors import Corrupt, NotFound
from noria.data.versions import cloning, operations
from noria.data.versions.checking_out import Uncommitted
from noria.data.versions.model import shown
from noria.data.versions.places import object_store

from .conftest import read, write

PETS = {"cat.txt": "meow", "dogs/rex.txt": "woof"}


@pytest.mark.parametrize("link", ["auto", "hardlink", "copy"])
def test_a_snapshot_becomes_a_folder_and_back(ws, pets, tmp_path, commit, link):
    (write(pets, {"feed.sh": "#!/bin/sh\n"}) / "feed.sh").chmod(0o755)
    (pets / "away").symlink_to("/nowhere")
    (pets / "empty").mkdir()
    first = commit(pets)
    write(pets, {"cat.txt": None, "dogs/rex.txt": "WOOF", "fish/nemo.txt": "blub"})
    second = commit(pets)

    there = tmp_path / "there"
    operations.checkout(ws, "pets", "", there, link=link)
    assert read(there) == read(pets)
    assert operations.status(ws, there).changes == ()

    done = operations.checkout(ws, "pets", first.id, there, link=link)
    assert (done.written, done.removed) == (2, 1)
    assert read(there) == {**PETS, "feed.sh": "#!/bin/sh\n", "away": "-> /nowhere", "empty": "/"}
    assert os.access(there / "feed.sh", os.X_OK)
    assert operations.checkout(ws, "pets", second.id, there, link=link).branch == ""


def test_only_what_differs_is_touched(ws, pets, tmp_path, commit):
    first = commit(pets)
    write(pets, {"cat.txt": "purr"})
    commit(pets)
    there = tmp_path / "there"
    operations.checkout(ws, "pets", first.id, there)
    rex = (there / "dogs/rex.txt").stat()
    done = operations.checkout(ws, "pets", "main", there)
    assert (done.written, done.removed, done.unchanged) == (1, 0, 1)
    assert (there / "dogs/rex.txt").stat() == rex


@pytest.mark.parametrize("link", ["hardlink", "copy"])
def test_after_a_checkout_nothing_is_read_to_know_that_nothing_changed(ws, pets, tmp_path, commit, link, monkeypatch):
    commit(pets)
    operations.checkout(ws, "pets", "", tmp_path / "there", link=link)
    monkeypatch.setattr("noria.data.versions.standing.hash_file", lambda *_: pytest.fail("a file was read"))
    assert operations.status(ws, tmp_path / "there").changes == ()


def test_a_hard_link_is_read_only_and_a_copy_is_not(ws, pets, tmp_path, commit):
    commit(pets)
    linked, copied = tmp_path / "linked", tmp_path / "copied"
    assert operations.checkout(ws, "pets", "", linked, link="hardlink").link == "hardlink"
    operations.checkout(ws, "pets", "", copied, link="copy")
    assert oct((linked / "cat.txt").stat().st_mode)[-3:] == "444"
    assert (linked / "cat.txt").stat().st_nlink > 1
    (copied / "cat.txt").write_text("changed at once, in the same tick of the clock")
    assert [shown(one.path) for one in operations.status(ws, copied).changes] == ["cat.txt"]


def test_who_writes_into_an_object_through_a_hard_link_is_found_out(ws, pets, tmp_path, commit):
    """Root may write into a read-only file. The next checkout says so, and a commit of the content mends it."""
    commit(pets)
    linked = tmp_path / "linked"
    operations.checkout(ws, "pets", "", linked, link="hardlink")
    (linked / "cat.txt").chmod(0o644)
    with (linked / "cat.txt").open("r+") as file:
        file.write("hiss")
    with pytest.raises(Corrupt, match="was written into through a hard link"):
        operations.checkout(ws, "pets", "", tmp_path / "again")
    operations.commit(ws, pets, verify=True)
    operations.checkout(ws, "pets", "", tmp_path / "again")
    assert read(tmp_path / "again") == PETS


def test_where_the_disk_has_no_reflinks_it_is_said(ws, pets, tmp_path, commit):
    commit(pets)
    probe = cloning.choose_link(str(object_store(ws).root), bytes(tmp_path), "auto")
    if probe == "reflink":
        assert operations.checkout(ws, "pets", "", tmp_path / "there", link="reflink").link == "reflink"
    else:
        with pytest.raises(cloning.CannotLink, match="there is no reflink"):
            operations.checkout(ws, "pets", "", tmp_path / "there", link="reflink")
    with pytest.raises(cloning.CannotLink, match="there are: auto, reflink, hardlink, copy"):
        operations.checkout(ws, "pets", "", tmp_path / "there", link="teleport")


class TestUncommitted:
    """What the user did is kept, unless he says that it may go."""

    def test_changes_are_not_overwritten(self, ws, pets, commit):
        first = commit(pets)
        write(pets, {"cat.txt": "purr"})
        commit(pets)
        write(pets, {"cat.txt": "hiss"})
        with pytest.raises(Uncommitted, match=r"1 changes in .* would be lost: cat.txt"):
            operations.checkout(ws, "pets", first.id, pets)
        assert read(pets)["cat.txt"] == "hiss"
        operations.checkout(ws, "pets", first.id, pets, force=True)
        assert read(pets) == PETS

    def test_files_that_no_snapshot_knows_stay(self, ws, pets, commit):
        first = commit(pets)
        write(pets, {"cat.txt": "purr"})
        commit(pets)
        write(pets, {"mine.txt": "mine", "dogs/mine.txt": "mine too"})
        operations.checkout(ws, "pets", first.id, pets)
        assert read(pets) == {**PETS, "mine.txt": "mine", "dogs/mine.txt": "mine too"}

    def test_a_checkout_of_the_same_snapshot_does_not_undo_changes_silently(self, ws, pets, commit):
        commit(pets)
        write(pets, {"cat.txt": "hiss"})
        with pytest.raises(Uncommitted):
            operations.checkout(ws, "pets", "", pets)

    def test_a_changed_file_is_not_removed(self, ws, pets, commit):
        commit(pets)
        write(pets, {"cat.txt": None})
        second = commit(pets)
        operations.checkout(ws, "pets", "main~1", pets)
        write(pets, {"cat.txt": "hiss"})
        with pytest.raises(Uncommitted, match=r"cat\.txt"):
            operations.checkout(ws, "pets", second.id, pets)
        assert read(pets)["cat.txt"] == "hiss"

    def test_an_unknown_file_in_the_way(self, ws, pets, tmp_path, commit):
        commit(pets)
        there = write(tmp_path / "there", {"cat.txt": "my cat", "dogs": "a list of dogs"})
        with pytest.raises(Uncommitted) as refused:
            operations.checkout(ws, "pets", "", there)
        assert refused.value.paths == (b"cat.txt", b"dogs")
        assert read(there) == {"cat.txt": "my cat", "dogs": "a list of dogs"}
        operations.checkout(ws, "pets", "", there, force=True)
        assert read(there) == PETS

    def test_a_folder_in_the_way_of_a_file(self, ws, pets, tmp_path, commit):
        commit(pets)
        there = write(tmp_path / "there", {"cat.txt/whiskers": "long"})
        with pytest.raises(Uncommitted):
            operations.checkout(ws, "pets", "", there)
        operations.checkout(ws, "pets", "", there, force=True)
        assert read(there) == PETS

    def test_a_file_that_is_as_wanted_already_is_no_obstacle(self, ws, pets, tmp_path, commit):
        commit(pets)
        there = write(tmp_path / "there", {"cat.txt": "meow"})
        assert operations.checkout(ws, "pets", "", there).unchanged == 1

    def test_a_folder_that_became_a_link_out_of_the_tree_is_never_written_through(self, ws, pets, tmp_path, commit):
        commit(pets)
        outside = write(tmp_path / "outside", {"rex.txt": "not yours"})
        there = tmp_path / "there"
        there.mkdir()
        (there / "dogs").symlink_to(outside)
        with pytest.raises(Uncommitted, match="dogs"):
            operations.checkout(ws, "pets", "", there)
        operations.checkout(ws, "pets", "", there, force=True)
        assert read(there) == PETS
        assert read(outside) == {"rex.txt": "not yours"}

    def test_a_file_the_user_removed_comes_back(self, ws, pets, commit):
        first = commit(pets)
        (pets / "cat.txt").unlink()
        operations.checkout(ws, "pets", first.id, pets)
        assert read(pets) == PETS


def test_a_file_becomes_a_folder_and_back(ws, tmp_path, commit):
    folder = write(tmp_path / "d", {"a": "file"})
    first = commit(folder)
    write(folder, {"a": None})
    second = commit(write(folder, {"a/b": "inner"}))
    for reference, held in ((first.id, {"a": "file"}), (second.id, {"a/b": "inner"})):
        operations.checkout(ws, "d", reference, folder)
        assert read(folder) == held


def test_objects_that_are_gone_are_told(ws, pets, tmp_path, commit):
    commit(pets)
    store = object_store(ws)
    for digest, size in list(store.all()):
        if size == 4:
            store.remove(digest)
    with pytest.raises(NotFound, match="there is no object"):
        operations.checkout(ws, "pets", "", tmp_path / "there")


def test_more_links_than_the_disk_allows_become_copies(ws, pets, tmp_path, commit, monkeypatch):
    commit(pets)
    plain = os.link

    def link(source, target, **folders):
        if b"rex" in os.fsencode(target):
            raise OSError(31, "Too many links")
        plain(source, target, **folders)

    monkeypatch.setattr(os, "link", link)
    operations.checkout(ws, "pets", "", tmp_path / "there", link="hardlink")
    assert read(tmp_path / "there") == PETS
    assert (tmp_path / "there/dogs/rex.txt").stat().st_nlink == 1
