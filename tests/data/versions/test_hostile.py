"""Folders that want to make trouble: names, links, devices, rights, files that change, disks that are full."""

import errno
import os
import resource
import shutil
import signal
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from blake3 import blake3

from noria.core.errors import BadInput, StorageFull
from noria.data.model import FileChanged, NoFiles
from noria.data.versions import hashing, operations
from noria.data.versions.model import shown
from noria.data.versions.names import NameClash
from noria.data.versions.objects import ObjectStore
from noria.data.versions.places import object_store
from noria.data.versions.scanning import CannotVersion
from noria.testing.workspace import make_workspace

from .conftest import commit_in, read, write


def entries(ws, snapshot):
    return {entry.path: entry for entry in operations.manifest_of(ws, snapshot)[1]}


class TestNames:
    def test_names_that_are_no_text(self, ws, tmp_path, commit):
        folder = write(tmp_path / "d", {"plain": "1"})
        odd = [b"caf\xe9.txt", b"two\nlines", b"tab\t", b" ", b"-rf", b"~", b"*", "naïve-\u202e".encode(), b"\x01"]
        for name in odd:
            Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(name)
        snapshot = commit(folder)
        assert set(entries(ws, snapshot)) == {*odd, b"plain"}
        there = tmp_path / "there"
        operations.checkout(ws, "d", "", there)
        assert sorted(os.fsencode(path.name) for path in there.iterdir()) == sorted([*odd, b"plain"])
        assert operations.status(ws, there).changes == ()
        assert [shown(name) for name in odd[:3]] == ["caf\\xe9.txt", "two\\nlines", "tab\\t"]

    def test_a_very_long_path(self, ws, tmp_path, commit):
        folder = tmp_path / "d"
        room = 4000 - len(bytes(folder))
        name = "/".join(["x" * 200] * (room // 201))
        write(folder, {name: "deep"})
        snapshot = commit(folder)
        assert list(entries(ws, snapshot)) == [name.encode()]
        operations.checkout(ws, "d", "", tmp_path / "e")
        assert read(tmp_path / "e") == {name: "deep"}
        with pytest.raises(BadInput, match="longer than the system takes"):
            operations.checkout(ws, "d", "", tmp_path / ("y" * 250) / ("z" * 250) / "w")

    def test_a_path_too_deep_to_be_read_is_named(self, ws, tmp_path):
        folder = tmp_path / "d"
        folder.mkdir()
        here = os.open(folder, os.O_RDONLY)
        for _ in range(25):  # deeper than a path can say: made step by step
            os.mkdir("x" * 200, dir_fd=here)
            here, before = os.open("x" * 200, os.O_RDONLY, dir_fd=here), here
            os.close(before)
        os.close(here)
        with pytest.raises(CannotVersion, match="longer than the system takes"):
            commit_in(ws, folder)
        shutil.rmtree(folder)

    def test_names_that_differ_only_in_case_or_composition(self, ws, tmp_path):
        folder = write(tmp_path / "d", {"Readme": "1", "readme": "2", "A/x": "3", "a/y": "4", "é": "5", "e\u0301": "6"})
        made = operations.commit(ws, folder)
        pairs = {tuple(sorted((shown(one), shown(other)))) for one, other in made.clashes}
        assert {("Readme", "readme"), ("A", "a")} <= pairs
        assert len(pairs) == 3
        with pytest.raises(NameClash, match="Readme and readme"):
            operations.commit(ws, folder, portable=True)
        write(folder, {"readme": None, "a/y": None, "é": None})
        (folder / "a").rmdir()
        assert operations.commit(ws, folder, portable=True).clashes == ()

    def test_a_file_that_looks_like_one_of_ours(self, ws, tmp_path, commit):
        folder = write(tmp_path / "d", {"x.tmp": "mine", ".noria.toml": "mine", "index": "i", ".git/HEAD": "ref"})
        assert len(entries(ws, commit(folder))) == 4


class TestKinds:
    def test_links_are_kept_and_never_followed(self, ws, tmp_path, commit):
        outside = write(tmp_path / "outside", {"secret": "s"})
        folder = write(tmp_path / "d", {"real/file": "f"})
        links = {"broken": "nowhere", "out": str(outside), "up": "../../..", "itself": "itself", "in": "real"}
        for name, target in links.items():
            (folder / name).symlink_to(target)
        snapshot = commit(folder)
        found = entries(ws, snapshot)
        assert {name: found[name.encode()].target.decode() for name in links} == links
        assert len(found) == 6
        operations.checkout(ws, "d", "", tmp_path / "there")
        assert read(tmp_path / "there") == read(folder)
        assert operations.status(ws, tmp_path / "there").changes == ()
        (folder / "broken").unlink()
        (folder / "broken").symlink_to("elsewhere")
        assert [shown(one.path) for one in operations.status(ws, folder).changes] == ["broken"]

    def test_pipes_and_sockets_are_refused_by_name(self, ws, tmp_path, monkeypatch):
        folder = write(tmp_path / "d", {"fine": "f", "a/fine": "f"})
        os.mkfifo(folder / "a/pipe")
        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind("door")
            with pytest.raises(CannotVersion, match="has 2 faults") as refused:
                commit_in(ws, folder)
        assert [fault.place for fault in refused.value.faults] == ["a/pipe", "door"]
        assert operations.dataset_names(ws) == []

    def test_a_file_replaced_by_a_pipe_while_it_is_read_does_not_hang(self, ws, tmp_path):
        folder = write(tmp_path / "d", {"a": "1"})
        stat = (folder / "a").stat()
        (folder / "a").unlink()
        os.mkfifo(folder / "a")
        with pytest.raises(FileChanged):
            hashing.hash_file(bytes(folder), b"a", stat, None)

    def test_a_file_replaced_by_a_link_while_it_is_read_is_not_followed(self, ws, tmp_path):
        folder = write(tmp_path / "d", {"a": "1", "b": "secret"})
        stat = (folder / "a").stat()
        (folder / "a").unlink()
        (folder / "a").symlink_to("b")
        with pytest.raises(FileChanged, match="became a link"):
            hashing.hash_file(bytes(folder), b"a", stat, None)

    def test_empty_files_and_empty_folders(self, ws, tmp_path, commit):
        folder = write(tmp_path / "d", {"nothing": "", "nothing too": ""})
        (folder / "a/b/c").mkdir(parents=True)
        commit(folder)
        operations.checkout(ws, "d", "", tmp_path / "there")
        assert read(tmp_path / "there") == {"nothing": "", "nothing too": "", "a/b/c": "/"}
        assert (tmp_path / "there/nothing").stat().st_nlink == 1

    def test_a_folder_with_nothing_in_it(self, ws, tmp_path, commit):
        (tmp_path / "d").mkdir()
        assert commit(tmp_path / "d").files == 0
        operations.checkout(ws, "d", "", tmp_path / "there")
        assert operations.status(ws, tmp_path / "there").changes == ()

    def test_what_is_no_folder(self, ws, tmp_path):
        (tmp_path / "file").write_text("x")
        for path in (tmp_path / "file", tmp_path / "nowhere"):
            with pytest.raises(NoFiles, match="there is no folder"):
                commit_in(ws, path)

    def test_the_workspace_itself_is_left_out(self, ws, tmp_path, commit):
        write(ws.root, {"data/a": "1"})
        assert list(entries(ws, commit(ws.root, dataset="all"))) == [b"data/a"]
        with pytest.raises(BadInput, match="belongs to Noria itself"):
            commit(ws.settings.home)


def test_what_may_not_be_read_is_named(tmp_path):
    with nobody() as root:
        ws = make_workspace(root / "project")
        folder = write(root / "d", {"secret": "s", "open": "o", "room/x": "x"})
        (folder / "secret").chmod(0)
        (folder / "room").chmod(0)
        with pytest.raises(CannotVersion, match="room: may not be read"):
            commit_in(ws, folder)
        (folder / "room").chmod(0o700)
        with pytest.raises(BadInput, match="secret may not be read"):
            commit_in(ws, folder)
        (folder / "secret").chmod(0o600)
        assert commit_in(ws, folder).files == 3
        ws.close()


class TestChangingFiles:
    """A file that is written while it is read is read again, or refused; what is kept is what was read."""

    def writer(self, monkeypatch, path, times):
        left = [times]

        def slow(*data):
            if left[0]:
                left[0] -= 1
                with path.open("a") as file:
                    file.write("+")
            return blake3(*data)

        monkeypatch.setattr(hashing, "blake3", slow)

    @pytest.mark.parametrize("size", [4, 2_000_000])
    def test_once_is_read_again(self, ws, tmp_path, monkeypatch, size):
        folder = write(tmp_path / "d", {"a": "x" * size})
        self.writer(monkeypatch, folder / "a", 1)
        snapshot = commit_in(ws, folder)
        monkeypatch.undo()
        operations.checkout(ws, "d", "", tmp_path / "there")
        assert (tmp_path / "there/a").read_text() == "x" * size + "+"
        assert entries(ws, snapshot)[b"a"].blake3 == blake3(b"x" * size + b"+").digest()

    @pytest.mark.parametrize("size", [4, 2_000_000])
    def test_again_and_again_is_refused(self, ws, tmp_path, monkeypatch, size):
        folder = write(tmp_path / "d", {"a": "x" * size})
        self.writer(monkeypatch, folder / "a", 99)
        with pytest.raises(FileChanged, match="changed while it was being read"):
            commit_in(ws, folder)
        assert operations.dataset_names(ws) == []
        assert list(object_store(ws).left_over()) == []

    def test_a_file_that_goes_away(self, ws, tmp_path):
        folder = write(tmp_path / "d", {"a": "1"})
        stat = (folder / "a").stat()
        (folder / "a").unlink()
        with pytest.raises(FileChanged, match="went away"):
            hashing.hash_file(bytes(folder), b"a", stat, None)


class TestFullDisk:
    @pytest.mark.parametrize("size", [100_000, 3_000_000])
    def test_a_commit_keeps_nothing_half_and_goes_through_when_there_is_room(self, ws, tmp_path, commit, size):
        folder = write(tmp_path / "d", {"a": "small", "b": "x" * size})
        commit(write(tmp_path / "before", {"x": "x"}))
        with small_files(50_000), pytest.raises(StorageFull, match="no room left"):
            commit(folder)
        assert operations.dataset_names(ws) == ["before"]
        assert list(object_store(ws).left_over()) == []
        snapshot = commit(folder)
        operations.checkout(ws, "d", snapshot.id, tmp_path / "there")
        assert read(tmp_path / "there") == read(folder)

    def test_a_checkout_is_completed_when_there_is_room(self, ws, tmp_path, commit):
        folder = write(tmp_path / "d", {"a": "old", "b": "old"})
        old = commit(folder)
        commit(write(folder, {"a": "new", "b": "x" * 100_000, "c": "new"}))
        operations.checkout(ws, "d", old.id, tmp_path / "there")
        with small_files(50_000), pytest.raises(StorageFull):
            operations.checkout(ws, "d", "", tmp_path / "there", link="copy")
        assert read(tmp_path / "there")["b"] == "old"
        operations.checkout(ws, "d", "", tmp_path / "there", link="copy")
        assert read(tmp_path / "there") == read(folder)
        assert operations.status(ws, tmp_path / "there").changes == ()


class TestObjects:
    def test_half_an_object_is_written_again(self, tmp_path):
        store = ObjectStore(tmp_path / "objects")
        digest = store.put(b"whole")
        Path(store.at(digest)).unlink()
        Path(store.at(digest)).write_bytes(b"who")
        assert not store.intact(digest, 5)
        assert store.put(b"whole") == digest
        assert store.get(digest) == b"whole"

    def test_a_disk_without_nanoseconds(self, tmp_path, monkeypatch):
        plain = os.utime

        def coarse(path, times=None, ns=None, **more):
            plain(path, times, **({"ns": tuple(one // 10**9 * 10**9 for one in ns)} if ns else {}), **more)

        monkeypatch.setattr(os, "utime", coarse)
        store = ObjectStore(tmp_path / "objects")
        digest = store.put(b"whole")
        assert store.put(b"whole") == digest
        assert store.intact(digest, 5)
        assert store.get(digest) == b"whole"

    def test_a_folder_that_cannot_be_written(self, tmp_path, monkeypatch):
        store = ObjectStore(tmp_path / "objects")

        def refuse(*_given, **_more):
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(Exception, match="cannot be written: Read-only"):
            store.put(b"x")


@contextmanager
def small_files(size):
    """A disk that is full: no file of this process may grow beyond that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def nobody():
    """A folder, as a user who is not allowed everything."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0:
            yield Path(folder)
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)
