"""What may be kept as an artifact, and under which names."""

from __future__ import annotations

import os

import pytest

import noria
from noria.tracking.client.folder import spools
from noria.tracking.records import Kept


@pytest.fixture
def kept(folder, spooled):
    """Path and bytes of each file kept."""

    def read():
        (spool,) = spools(folder / ".noria")
        return {one.path: spool.file(one.digest).read_bytes() for one in spooled() if isinstance(one, Kept)}

    return read


def test_files_folders_bytes_and_texts_are_kept_as_they_were_then(folder, kept):
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "plots" / "deep").mkdir(parents=True)
    (folder / "plots" / "a.svg").write_text("<svg/>")
    (folder / "plots" / "deep" / "b.svg").write_text("<svg/>")
    (folder / "plots" / "circle").symlink_to(folder / "plots", target_is_directory=True)
    (folder / "empty").write_bytes(b"")
    noria.log_artifact("model.bin")
    (folder / "model.bin").write_bytes(b"changed later")
    noria.log_artifact(folder / "model.bin", "checkpoints/2.bin")
    noria.log_artifact("plots")
    noria.log_artifact("empty")
    noria.log_artifact(b"\0\1", "raw")
    noria.log_artifact(bytearray(b"b"), "raw2")
    noria.log_artifact("a text\n" * 1000, "notes.txt")
    assert kept() == {
        "model.bin": b"weights", "checkpoints/2.bin": b"changed later", "plots/a.svg": b"<svg/>",
        "plots/deep/b.svg": b"<svg/>", "empty": b"", "raw": b"\0\1", "raw2": b"b", "notes.txt": b"a text\n" * 1000,
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".", "a/.", "a\\..\\b", "a\0b", "a\nb", "x" * 1001, "\ud800", "/"],
)
def test_a_path_that_leads_elsewhere_is_refused(spooled, name, capsys):
    with noria.run():
        noria.log_artifact(b"x", name)
    assert not [one for one in spooled() if isinstance(one, Kept)]
    assert "is no path of an artifact" in capsys.readouterr().err


def test_what_is_no_file_is_refused_and_nothing_waits(folder, spooled, capsys):
    os.mkfifo(folder / "pipe")
    with noria.run() as run:
        for source in ("missing.bin", "pipe", "/dev/zero", None, 7, folder / "missing", b"nameless"):
            noria.log_artifact(source)
        assert run._recorder.problems == {"BadValue": 7}
    assert not [one for one in spooled() if isinstance(one, Kept)]
