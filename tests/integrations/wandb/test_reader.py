"""A run that the real wandb wrote offline is read whole; torn, damaged and forged files lose only what is lost."""

from __future__ import annotations

import json
import math
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from foreign import Script, walk, walk_all
from noria.integrations.wandb.log import records
from noria.integrations.wandb.reader import read, recognises
from noria.integrations.wire import put
from noria.tracking.transfer import ForeignRun, LeftOut, Unreadable


@pytest.fixture
def written(tmp_path: Path, wandb_written: Path) -> Path:
    return Path(shutil.copytree(wandb_written, tmp_path / "wandb", symlinks=True))


def the_file(folder: Path) -> Path:
    return next(path for path in folder.rglob("*.wandb") if not path.parent.is_symlink())


def test_everything_of_a_real_run(written: Path) -> None:
    assert recognises(str(written)) and recognises(str(the_file(written)))
    runs, left = walk_all(read(written))
    assert left == []
    found = runs["first"]
    run = found.run
    assert run.origin.startswith("wandb:-/flights/") and run.experiment == "flights"
    assert (run.state, run.parent) == ("finished", None)
    assert run.params == {"lr": "0.1", "layers": "[1, 2]", "opt.name": "adam", "opt.eps": "1e-08"}
    assert run.tags["wandb.tags"] == '["a", "b"]' and run.tags["mlflow.note.content"] == "a note"
    assert (run.tags["wandb.group"], run.tags["wandb.job_type"]) == ("g", "train")
    assert run.started is not None and run.ended is not None and run.ended > run.started > 1_700_000_000_000_000
    assert found.values("loss") == [1 / (step + 1) for step in range(300)]
    assert found.steps("loss") == list(range(300))
    assert found.values("nested.a") == list(range(300))
    assert found.values("flag")[:3] == [1.0, 0.0, 1.0]
    assert math.isnan(found.values("nan")[0]) and found.values("inf") == [math.inf]
    assert found.values("best") == [0.9], "only the summary has it"
    assert found.values("summary/loss") == [0.001], "the summary says something else than the last value"
    assert any(name.startswith("system/") for name in found.points)
    moments = [at for _, at, _ in found.points["loss"]]
    assert moments == sorted(moments) and abs(moments[0] - run.started / 1000) < 60_000


def test_what_is_no_metric_is_kept_beside(written: Path) -> None:
    found = walk_all(read(written))[0]["first"]
    assert found.files["wandb-artifacts/dataset/ds/extra.txt"] == b"hello"
    assert "printed line" in found.files["output.log"].decode()
    assert next(data for path, data in found.files.items() if path.startswith("media/images")).startswith(b"\x89PNG")
    lines = [json.loads(line) for line in found.files["imported/wandb-history.jsonl"].splitlines()]
    by_name = {line["name"]: line for line in lines}
    assert by_name["hist"]["value"]["_type"] == "histogram" and len(by_name["hist"]["value"]["bins"]) == 65
    assert by_name["t"]["value"]["_type"] == "table-file"
    assert [line["value"] for line in lines if line["name"] == "word"] == [f"w{step}" for step in range(300)]
    assert json.loads(found.files["imported/wandb-defined-metrics.jsonl"]) == {"metric": "val", "step_metric": "epoch"}
    assert "hist, img, t, word" in found.notes


def test_a_run_that_was_killed(tmp_path: Path, script: Script) -> None:
    script("trackers", "write_with_wandb.py", tmp_path, "killed", code=9)
    found = walk_all(read(tmp_path / "wandb"))[0]["first"]
    assert found.run.state == "killed"
    values = found.values("loss")[:300]  # how many were on disk is the tool's affair
    assert values == [1 / (step + 1) for step in range(len(values))] and len(values) > 50
    assert "never said that it ended" in found.notes


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_torn_tail_keeps_what_came_before(written: Path, share: float) -> None:
    path = the_file(written)
    data = path.read_bytes()
    starts = [at for at, _ in records(path, [])]
    path.write_bytes(data[: starts[int(len(starts) * share)] + 9])
    found = walk_all(read(written))[0]["first"]
    values = found.values("loss")
    assert values == [1 / (step + 1) for step in range(len(values))]
    assert len(values) >= 300 * (share - 0.2)
    assert "the file ends inside a record" in found.notes and str(path) in found.notes
    assert found.run.state == "killed"


def test_damage_in_the_middle_costs_a_block(written: Path) -> None:
    path = the_file(written)
    data = bytearray(path.read_bytes())
    assert len(data) > 32768, "more than one block, or the test says nothing"
    data[20_000] ^= 0xFF
    path.write_bytes(bytes(data))
    found = walk_all(read(written))[0]["first"]
    assert 0 < len(found.values("loss")) < 300
    assert "damaged; skipped to byte 32768" in found.notes
    assert found.run.state == "finished", "the end of the file was read"


def test_no_wandb_file(tmp_path: Path) -> None:
    for content in (b"", b":W&", b"PK\x03\x04 a zip file", b":W&B\xe1\xbe\x00"):
        (tmp_path / "run-x.wandb").write_bytes(content)
        left = list(read(tmp_path))
        assert isinstance(left[0], LeftOut) and "run-x.wandb" in left[0].place
        assert "byte" in left[0].why
    (tmp_path / "run-x.wandb").unlink()
    with pytest.raises(Unreadable, match="no run-"):
        list(read(tmp_path))


def forged(path: Path, *records: bytes) -> Path:
    """A `.wandb` file with these records, all checksums right."""
    data = b":W&B\xe1\xbe\x00"
    for record in records:
        data += struct.pack("<IHB", zlib.crc32(b"\x01" + record), len(record), 1) + record
    path.write_bytes(data)
    return path


RUN = put(17, put(1, "abc") + put(3, "flights") + put(8, "forged"))


def only(path: Path) -> ForeignRun:
    run = next(iter(read(path)))
    assert isinstance(run, ForeignRun)
    return run


def test_a_record_cannot_make_us_read_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root:x")
    entry = put(1, "../../out") + put(2, "bm90IHRoZSBkaWdlc3QhIQ==") + put(4, 6) + put(6, str(secret))
    artifact = put(8, put(4, "dataset") + put(5, "ds") + put(12, put(4, entry)))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(secret)
    found = walk(only(forged(tmp_path / "run-abc.wandb", RUN, artifact)))
    assert found.files == {}
    assert "no longer on this machine" in found.notes and "a link out of the folder" in found.notes


def test_odd_records_are_left_out_and_told(tmp_path: Path) -> None:
    odd = [
        put(2, put(1, put(1, "a") + put(16, "{no json"))),
        put(2, put(1, put(1, "a") + put(16, "[" * 5000))),
        put(2, b"\x0a\xff"),
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        put(2, put(1, put(1, "_step") + put(16, "1e300")) + put(1, put(1, "a") + put(16, "1"))),
        put(2, put(1, put(1, "_step") + put(16, "3")) + put(1, put(1, "good") + put(16, "2.5"))),
        put(2, put(1, put(1, "typed") + put(6, 1.5)) + put(1, put(1, "whole") + put(5, 7))),
    ]
    found = walk(only(forged(tmp_path / "run-abc.wandb", RUN, *odd)))
    assert found.points["good"] == [(3, 0, 2.5)]
    assert found.values("typed") == [1.5] and found.values("whole") == [-4.0]
    assert "a" not in found.points
    assert found.notes.count("a record was left out") >= 5
