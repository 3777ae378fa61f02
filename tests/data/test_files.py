"""Paths that match nothing, files that may not be read, and files that change."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.data import files
from noria.data import operations as data
from noria.data.model import FileChanged, Location, NoFiles, UnreadableFile
from noria.workspace.workspace import open_workspace


def at(spec, pattern):
    return replace(spec, location=Location(pattern))


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("dta/*.parquet", "did you mean 'data'?"),
        ("data/*.csv", "holds 1.parquet"),
        ("data", "is a folder: name the files in it, such as data/*.parquet"),
        ("nowhere/at/all/*.csv", "holds .noria, data"),
    ],
)
def test_a_path_that_matches_nothing_says_what_is_there(ws, readings, row, write, pattern, hint):
    write("1.parquet", [row()])
    with pytest.raises(NoFiles) as missing:
        data.take_snapshot(ws, at(readings, pattern))
    assert hint in str(missing.value)
    assert ws.journal.read() == []


def test_absolute_paths_deep_globs_and_half_written_files(ws, readings, row, write, tmp_path):
    first = write("1.parquet", [row()])
    (tmp_path / "data/2024/06").mkdir(parents=True)
    first.rename(tmp_path / "data/2024/06/1.parquet")
    (tmp_path / "data/2024/06/.1.parquet.part").write_bytes(b"half")
    for pattern in ("data/**/*.parquet", f"{tmp_path}/data/**/*", "data/2024/06/1.parquet"):
        names = [file.name for file in data.take_snapshot(ws, at(readings, pattern)).files]
        assert len(names) == 1
        assert names[0].endswith("data/2024/06/1.parquet")


@contextmanager
def nobody():
    """Act as a user without special rights, so that permissions mean something."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_or_folder_without_permission_is_named(readings, row, write):
    content = write("1.parquet", [row()]).read_bytes()
    with nobody(), tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ws = open_workspace(root, settings_for(root, {}, {}), ManualClock(10**16))
        (root / "data").mkdir()
        (root / "data/1.parquet").write_bytes(content)
        (root / "data/1.parquet").chmod(0)
        with pytest.raises(UnreadableFile, match=r"data/1\.parquet may not be read"):
            data.take_snapshot(ws, readings)
        (root / "data").chmod(0)
        with pytest.raises(NoFiles, match=r"data cannot be listed \(Permission denied\)"):
            data.take_snapshot(ws, readings)
        (root / "data").chmod(0o700)
        ws.close()


def test_a_dangling_link_is_told(ws, readings, row, write, tmp_path):
    write("1.parquet", [row()])
    (tmp_path / "data/2.parquet").symlink_to(tmp_path / "gone.parquet")
    with pytest.raises(FileChanged, match="went away"):
        data.take_snapshot(ws, readings)


def test_a_file_that_changes_while_it_is_read_is_refused(ws, readings, row, write):
    path = write("1.parquet", [row()])

    class WritesMeanwhile:
        def put_file(self, source):
            digest = ws.blobs.put_file(source)
            path.write_bytes(path.read_bytes() + b"more")
            return digest

        def __getattr__(self, name):
            return getattr(ws.blobs, name)

    with pytest.raises(FileChanged, match="changed while it was being read"):
        data.take_snapshot(replace(ws, blobs=WritesMeanwhile()), readings)
    assert ws.journal.read() == []


def test_a_change_is_seen_even_when_size_and_time_are_put_back(ws, readings, row, write):
    path = write("1.parquet", [row(station="oslo")])
    os.utime(path, ns=(0, 0))
    before = data.take_snapshot(ws, readings)
    stat = path.stat()
    changed = path.read_bytes().replace(b"oslo", b"rome")
    with path.open("r+b") as file:
        file.write(changed)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert data.take_snapshot(ws, readings).digest != before.digest


def test_an_unchanged_file_is_not_read_again_once_it_has_settled(ws, readings, row, write, monkeypatch):
    write("1.parquet", [row()])
    monkeypatch.setattr(files, "_SETTLED_NS", 0)
    monkeypatch.setattr(files, "_filesystem_now", lambda ws: 1 << 62)
    first = data.take_snapshot(ws, readings)

    class Forbidden:
        def put_file(self, source):
            raise AssertionError(f"{source} was read again")

        def __getattr__(self, name):
            return getattr(ws.blobs, name)

    assert data.take_snapshot(replace(ws, blobs=Forbidden()), readings) == first
