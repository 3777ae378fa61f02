"""A task that the real ClearML wrote offline is read whole, as zip or folder; hostile archives lose only themselves."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from foreign import walk_all
from noria.integrations.clearml import read, recognises
from noria.tracking.transfer import LeftOut, Unreadable

WRITTEN = "clearml_archive"


def test_everything_of_a_real_task(archive: Path) -> None:
    assert recognises(str(archive))
    runs, left = walk_all(read(archive))
    assert left == []
    found, run = runs["first"], runs["first"].run
    assert run.origin.startswith("clearml:offline-") and run.experiment == "flights/sub"
    assert run.params == {"General/lr": "0.1", "General/opt/name": "adam"}
    assert (run.tags["clearml.tags"], run.tags["mlflow.note.content"]) == ('["a"]', "a comment")
    assert found.values("loss/train") == [1 / (step + 1) for step in range(20)]
    assert found.values("loss/val") == [2 / (step + 1) for step in range(20)]
    assert found.steps("loss/val") == list(range(20))
    assert found.points["best"][0][::2] == (0, 0.9)
    assert run.started is not None and run.ended is not None and run.started <= run.ended
    assert json.loads(found.files["artifacts/data/data.json"]) == {"x": 1}
    assert found.files["artifacts/file/extra.txt"] == b"hello"
    assert any(path.startswith("metrics/img/") for path in found.files)
    assert b"hello text" in found.files["imported/clearml-console.jsonl"]
    plot = json.loads(found.files["imported/clearml-plots.jsonl"])
    assert json.loads(plot["plot_str"])["data"][0]["y"] == [1, 2, 3]
    assert found.files["imported/configuration/conf"] == b"a = 1"
    assert "1 plots are kept" in found.notes


def test_zip_and_folder_are_one_task(archive: Path) -> None:
    (archive.parent / archive.stem).mkdir()  # ClearML leaves the folder beside its zip file
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(archive.parent / archive.stem)
    runs, left = walk_all(read(archive.parent))
    assert len(runs) == 1 and left == []
    again, _ = walk_all(read(archive.parent / archive.stem))
    assert again["first"].points == runs["first"].points
    assert again["first"].files == runs["first"].files
    assert again["first"].run.origin == runs["first"].run.origin


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_torn_zip(archive: Path, share: float) -> None:
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * share)])
    (left,) = read(archive)
    assert isinstance(left, LeftOut) and "is no zip file that can be read" in left.why


def test_damage_inside_the_zip(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as packed:
        info = packed.getinfo("metrics.jsonl")
    begin = info.header_offset + 30 + len("metrics.jsonl") + 200
    data[begin : begin + 50] = bytes(50)
    archive.write_bytes(bytes(data))
    runs, _ = walk_all(read(archive))
    assert "metrics.jsonl" in runs["first"].notes and "damaged" in runs["first"].notes
    assert runs["first"].files["artifacts/file/extra.txt"] == b"hello", "the rest is kept"


def forge(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "."), content)
    return path


def test_hostile_archives(tmp_path: Path) -> None:
    path = forge(tmp_path / "a.zip", task__json=json.dumps({"id": "x", "name": "n", "hyperparams": [1], "script": 7}))
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("data/p/t/../../../../etc/cron.d/evil", "x")
        odd = [{"type": "training_stats_scalar", "timestamp": 1, "metric": "m", "value": "abc"}, 7, "text", [[]]]
        odd.append({"type": "training_stats_scalar", "timestamp": 1, "iter": 10**30, "metric": "m", "value": 1})
        packed.writestr("metrics.jsonl", json.dumps(odd) + "\n" + "[" * 100_000 + "\n{")
    runs, _ = walk_all(read(path))
    found = runs["n"]
    assert found.points == {}
    assert all(".." not in name and not name.startswith("/") for name in found.files)
    assert found.notes.count("no JSON") == 1 and "ends inside a line" in found.notes and "beyond 64 bits" in found.notes


def test_no_json_at_all(tmp_path: Path) -> None:
    for content in ("", "[]", "{", "[" * 100_000):
        (left,) = read(forge(tmp_path / "a.zip", task__json=content))
        assert isinstance(left, LeftOut) and "task.json" in left.why
    with pytest.raises(Unreadable, match="no offline task"):
        list(read(tmp_path / "nowhere"))
