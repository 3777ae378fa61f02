"""The real DVC and Noria hand a directory back and forth; hostile metafiles and caches lead nowhere."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from noria.core.errors import BadInput, Corrupt, NotFound
from noria.data.versions import operations as versions
from noria.integrations.dvc.exchange import DVC
from noria.integrations.dvc.metafiles import BadMetafile, read_outputs
from noria.testing import rivals

FILES = {
    "a.txt": "one\n",
    "deep/er/b.csv": "x,y\n1,2\n",
    "deep/c": "",
    "ünïcode.txt": "ü",
    "many/" + "n" * 100: "x" * 5000,
}


def dvc(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "HOME": str(folder.parent)}
    environment.pop("PYTHONPATH", None)
    command = [str(rivals.python("dvc")), "-m", "dvc", *arguments]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def fill(folder: Path, files=FILES) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def object_of(repository: Path, md5: str) -> Path:
    return repository / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A repository in which DVC itself has a directory, a file and a stage under control."""
    folder = tmp_path_factory.mktemp("dvc") / "repository"
    folder.mkdir()
    dvc(folder, "init", "--no-scm", "-q")
    fill(folder / "raw")
    (folder / "single.csv").write_text("a\n1\n")
    dvc(folder, "add", "-q", "raw", "single.csv")
    script = "python3 -c \"import pathlib; p = pathlib.Path('made'); p.mkdir(); (p / 'x').write_text('made')\""
    dvc(folder, "stage", "add", "-q", "-n", "make", "-o", "made", script)
    dvc(folder, "repro", "-q")
    return folder


@pytest.fixture
def repository(theirs, tmp_path):
    """A copy of it."""
    subprocess.run(["cp", "-r", str(theirs), str(tmp_path / "repository")], check=True)
    return tmp_path / "repository"


def test_a_directory_comes(ws, repository):
    (one,) = DVC.read(ws, repository / "raw.dvc")
    assert one.committed.snapshot.dataset == "raw"
    assert content(one.folder) == FILES
    assert one.notes == ()


def test_a_directory_that_was_never_checked_out_comes_from_the_cache(ws, repository):
    subprocess.run(["rm", "-rf", str(repository / "raw")], check=True)
    (one,) = DVC.read(ws, repository / "raw.dvc")
    assert content(repository / "raw") == FILES
    assert one.notes == (f"put there from the cache: {repository / 'raw'}",)


def test_a_file_and_the_output_of_a_stage_come(ws, repository):
    (file,) = DVC.read(ws, repository / "single.csv.dvc")
    assert content(file.folder) == {"single.csv": "a\n1\n"}
    (made,) = DVC.read(ws, repository / "dvc.lock")
    assert (made.committed.snapshot.dataset, content(made.folder)) == ("made", {"x": "made"})


def test_what_goes_is_clean_for_dvc_and_has_the_hash_that_dvc_gives_it(ws, repository, tmp_path):
    snapshot = versions.commit(ws, fill(tmp_path / "mine"), "raw").snapshot
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    given = DVC.write(ws, snapshot, fresh, "raw")
    assert (given.files, given.notes) == (len(FILES), ())
    told = [yaml.safe_load((place / "raw.dvc").read_text())["outs"] for place in (fresh, repository)]
    assert told[0] == told[1]
    dvc(fresh, "checkout")
    assert content(fresh / "raw") == FILES
    assert "up to date" in dvc(fresh, "status")


def test_into_a_repository_that_is_there(ws, repository, tmp_path):
    snapshot = versions.commit(ws, fill(tmp_path / "mine", {"z": "new"}), "mine").snapshot
    DVC.write(ws, snapshot, repository, "mine")
    dvc(repository, "checkout")
    assert content(repository / "mine") == {"z": "new"}
    assert "up to date" in dvc(repository, "status")


def test_there_and_back(ws, repository, tmp_path):
    (one,) = DVC.read(ws, repository / "raw.dvc")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    DVC.write(ws, one.committed.snapshot, fresh, "raw")
    (again,) = DVC.read(ws, fresh / "raw.dvc")
    assert again.committed.snapshot.root == one.committed.snapshot.root


def test_what_dvc_has_no_form_for_is_told(ws, tmp_path):
    folder = fill(tmp_path / "mine", {"a": "1"})
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("a")
    given = DVC.write(ws, versions.commit(ws, folder).snapshot, tmp_path / "out", "mine")
    assert given.notes == ("empty is a folder", "link is a link")


def test_what_was_changed_and_not_added_is_told(ws, repository):
    (repository / "raw" / "a.txt").unlink()
    (repository / "raw" / "a.txt").write_text("changed")
    with pytest.raises(Corrupt, match=r"1 files of .* such as a.txt"):
        DVC.read(ws, repository / "raw.dvc")


def test_a_damaged_or_missing_object_is_told(ws, repository):
    md5 = read_outputs(repository / "raw.dvc")[0].md5
    subprocess.run(["rm", "-rf", str(repository / "raw")], check=True)
    object_of(repository, md5).chmod(0o644)
    object_of(repository, md5).write_text("[]")
    with pytest.raises(Corrupt, match="damaged"):
        DVC.read(ws, repository / "raw.dvc")
    object_of(repository, md5).unlink()
    with pytest.raises(NotFound, match="dvc pull"):
        DVC.read(ws, repository / "raw.dvc")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "C:/x", "a\\..\\x", "a\0b", "", "."])
def test_no_list_leads_out_of_its_folder(ws, repository, name):
    import hashlib

    data = json.dumps([{"md5": "0" * 32, "relpath": name}]).encode()
    md5 = hashlib.md5(data).hexdigest() + ".dir"
    object_of(repository, md5).parent.mkdir(exist_ok=True)
    object_of(repository, md5).write_bytes(data)
    (repository / "evil.dvc").write_text(yaml.safe_dump({"outs": [{"md5": md5, "hash": "md5", "path": "evil"}]}))
    with pytest.raises(Corrupt, match="names no file of the folder"):
        DVC.read(ws, repository / "evil.dvc")
    assert not (repository / "evil").exists()


@pytest.mark.parametrize("text", [
    "", "[]", "outs: 1", "outs: [1]", "outs: [{path: a}]", "outs: [{md5: zz, path: a}]",
    "outs: [{md5: d41d8cd98f00b204e9800998ecf8427e, path: ../a}]",
    "outs: [{md5: d41d8cd98f00b204e9800998ecf8427e, path: /a}]",
    "outs: [", "stages: 1", "stages: {a: 1}", "\xff\xfe", "!!python/object/apply:os.system [id]",
    "a: &a [x, x]\nb: &b [*a, *a]\nouts: [*b]",
])  # fmt: skip
def test_a_metafile_that_is_none_is_told(tmp_path, text):
    (tmp_path / "x.dvc").write_text(text, encoding="latin-1")
    with pytest.raises(BadMetafile):
        read_outputs(tmp_path / "x.dvc")


def test_outside_a_repository_and_under_odd_names(ws, tmp_path):
    with pytest.raises(NotFound, match="DVC repository above"):
        DVC.read(ws, tmp_path / "x.dvc")
    snapshot = versions.commit(ws, fill(tmp_path / "mine", {"a": "1"})).snapshot
    for name in ("../x", "", "a/b", "/x"):
        with pytest.raises(BadInput):
            DVC.write(ws, snapshot, tmp_path / "out", name)
