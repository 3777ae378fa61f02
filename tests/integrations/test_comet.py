"""An experiment that the real Comet wrote offline is read whole; hostile archives lose only themselves."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path

from foreign import walk_all
from noria.integrations.comet import read, recognises
from noria.tracking.transfer import LeftOut

WRITTEN = "comet_archive"


def test_everything_of_a_real_experiment(archive: Path) -> None:
    assert recognises(str(archive)) and recognises(str(archive.parent))
    runs, left = walk_all(read(archive.parent))
    assert left == []
    found, run = runs["first"], runs["first"].run
    assert run.origin == f"comet:team/flights/{archive.stem}"
    assert run.params == {"lr": "0.1", "opt|name": "adam"}
    assert (run.tags["note"], run.tags["comet.tags"], run.state) == ("text", '["a"]', "finished")
    assert found.values("loss") == [1 / (step + 1) for step in range(20)]
    assert found.steps("loss") == list(range(20))
    assert found.values("validate_loss") == [0.5]
    assert math.isnan(found.values("b")[0]) and found.points["a"][0][::2] == (3, 1.0)
    assert {(step, value) for step, _, value in found.points["epoch"]} >= {(0, 0), (5, 1), (10, 2), (15, 3)}
    assert run.started is not None and run.ended is not None and run.started < run.ended
    assert found.files["asset/extra.txt"] == b"hello"
    assert found.files["text-sample/1-auto-generated-in-the-backend"] == b"hello"
    assert json.loads(found.files["confusion-matrix/1-confusion-matrix.json"])["matrix"] == [[1, 0], [0, 1]]
    assert b"OfflineExperiment" in found.files["source_code/write_with_comet.py"]
    assert "histogram3d/1-h" in found.files
    assert b"system_details" in found.files["imported/comet-environment.jsonl"]


def forge(path: Path, about: object, messages: list[object]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("experiment.json", json.dumps(about))
        packed.writestr("messages.json", "\n".join(json.dumps(one) for one in messages))
        packed.writestr("kept", "x")
    return path


def test_hostile_archives(tmp_path: Path) -> None:
    upload = {"file_path": "kept", "additional_params": {"fileName": "../../../etc/passwd"}, "upload_type": "../../up"}
    messages: list[object] = [
        {"type": "file_upload", "payload": upload},
        {"type": "file_upload", "payload": upload},
        {"type": "file_upload", "payload": {"file_path": "/etc/passwd", "additional_params": []}},
        {"type": "file_upload", "payload": {"file_path": "kept", "additional_params": {"fileName": "C:\\x\\y.txt"}}},
        {"type": "metric_msg", "payload": {"metric": {"metricName": "m", "metricValue": [1], "step": 1}}},
        {"type": "metric_msg", "payload": {"metric": {"metricName": "m", "metricValue": 1, "step": 10**40}}},
        {"type": "metric_msg", "payload": {"metric": 4}},
        {"type": "parameter_msg", "payload": 7},
        {"type": "some_day", "payload": {"x": 1}},
        "text",
    ]
    (run,) = walk_all(read(forge(tmp_path / "a.zip", {"offline_id": "x"}, messages)))[0].values()
    assert run.run.state == "killed", "it never said that it ended"
    assert sorted(name for name in run.files if not name.startswith("imported")) == [
        "asset/y.txt", "up/etc/passwd", "up/etc/passwd.1",
    ]  # fmt: skip
    assert "the file is not in the archive" in run.notes and "beyond 64 bits" in run.notes
    assert b"some_day" in run.files["imported/comet-other.jsonl"]
    assert b"[1]" in run.files["imported/comet-values.jsonl"]


def test_a_zip_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("experiment.json", '{"offline_id": "x"}')
        with packed.open("messages.json", "w", force_zip64=True) as member:
            member.write(b'{"type": "')
            for _ in range(70):
                member.write(bytes(1 << 20))
    (run,) = walk_all(read(path))[0].values()
    assert "a line of more than" in run.notes


def test_no_experiment(tmp_path: Path) -> None:
    for about in ([], 7, "text"):
        (left,) = read(forge(tmp_path / "a.zip", about, []))
        assert isinstance(left, LeftOut) and "experiment.json" in left.why
