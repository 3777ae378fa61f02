"""`noria data` as people and programs use it."""

import json
import sys
from pathlib import Path

import pytest

from noria.cli.main import main
from noria.core.clock import SystemClock
from noria.testing.workspace import make_workspace

from .conftest import read, write


@pytest.fixture
def noria(tmp_path, monkeypatch, capsys):
    """`noria("log", "pets")`: what `noria data log pets --json` prints; `fails=True` for its error."""
    make_workspace(tmp_path / "project", SystemClock()).close()
    monkeypatch.chdir(tmp_path)

    def run(*arguments, fails=False, text=False):
        command = ["noria", "data", *map(str, arguments), "-C", "project", *([] if text else ["--json"])]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert bool(ended.value.code) == fails, said.out + said.err
        return said.out + said.err if text else json.loads(said.out)

    return run


def test_a_dataset_from_its_first_commit_to_a_merge(noria, tmp_path):
    folder = write(tmp_path / "pets", {"cat.txt": "meow", "rows.csv": "id,n\n1,1\n2,2\n"})
    first = noria("commit", "pets", "-m", "first", "--table", "rows=rows.csv:id")
    assert (first["dataset"], first["files"], first["new"]) == ("pets", 2, True)
    assert noria("status", folder)["changes"] == []

    noria("branch", "pets", "try")
    noria("checkout", "pets@try", tmp_path / "try")
    write(tmp_path / "try", {"rows.csv": "id,n\n1,1\n2,22\n3,3\n"})
    write(folder, {"rows.csv": "id,n\n1,11\n2,2\n", "cat.txt": None})
    assert [(one["change"], one["path"]) for one in noria("status", folder)["changes"]] == [
        ("removed", "cat.txt"), ("changed", "rows.csv"),
    ]  # fmt: skip
    noria("commit", folder)
    noria("commit", tmp_path / "try")
    merged = noria("merge", "pets", "try")
    assert (merged["how"], merged["merged_tables"]) == ("merged", ["rows"])
    noria("tag", "pets", "v1")
    newest, *_ = noria("log", "pets")
    assert newest["refs"] == ["main", "v1"]

    assert noria("status", folder)["behind"]
    noria("checkout", "pets", folder)
    assert read(folder) == {"rows.csv": "id,n\n1,11\n2,22\n3,3\n"}
    found = noria("diff", f"pets@{first['id'][:10]}", "pets@v1")
    assert [(one["added"], one["changed"]) for one in found["tables"]] == [(1, 2)]
    assert [one["path"] for one in noria("ls", "pets@v1")] == ["rows.csv"]
    assert noria("show", "pets@v1")["tables"][0]["rows"] == 3
    assert noria("gc", "--dry-run")["removed"] == 0


def test_what_people_read(noria, tmp_path):
    write(tmp_path / "pets", {"cat.txt": "meow", "Cat.txt": "MEOW"})
    said = noria("commit", "pets", text=True)
    assert "pets@main is" in said
    assert "beware: Cat.txt and cat.txt are one file" in said
    assert "Nothing has changed" in noria("commit", "pets", text=True)
    write(tmp_path / "pets", {"cat.txt": "purr"})
    assert "~ cat.txt" in noria("status", "pets", text=True)
    assert "Nothing differs." in noria("diff", "pets", "pets@main", text=True)
    assert "pets" in noria("log", text=True)
    refused = noria("checkout", "pets", "pets", fails=True, text=True)
    assert "[N3032] 1 changes in" in refused
    assert "--force" in refused
    assert "0 objects" in noria("gc", text=True)


def test_mistakes_are_told(noria, tmp_path):
    assert noria("log", "pets", fails=True)["code"] == "N3027"
    assert noria("status", Path("nowhere"), fails=True)["code"] == "N3024"
    assert noria("commit", Path("nowhere"), fails=True)["code"] == "N3003"
    write(tmp_path / "pets", {"cat.txt": "meow"})
    assert noria("commit", "pets", "--table", "x", fails=True)["code"] == "N1400"
    noria("commit", "pets")
    assert noria("merge", "pets", "main", "--take", "mine", fails=True)["code"] == "N1400"
    assert noria("branch", "pets", "gone", "--delete", fails=True)["code"] == "N1400"
