"""Event files of tensorboardX and of TensorBoard's own writers are read; ours are read back by TensorBoard."""

from __future__ import annotations

import json
import math
import shutil
import struct
from pathlib import Path

import google_crc32c
import pytest

from foreign import Script, walk, walk_all
from noria.integrations.tensorboard import exporter
from noria.integrations.tensorboard.reader import read, recognises
from noria.integrations.tensorboard.tfrecord import masked, put_record, records
from noria.tracking.transfer import ForeignFile, ForeignRun, Series, Unreadable


@pytest.fixture
def logs(tmp_path: Path, tensorboard_written: Path) -> Path:
    return Path(shutil.copytree(tensorboard_written, tmp_path / "logs"))


def test_every_run_and_kind_of_value(logs: Path) -> None:
    assert recognises(str(logs))
    runs, left = walk_all(read(logs))
    assert left == []
    assert set(runs) == {"old", "old/both/a", "old/both/b", "old/hp1", "twice", "new"}
    old = runs["old"]
    assert old.points["loss"][:2] == [(0, 1_700_000_000_250, 1.0), (1, 1_700_000_001_250, 0.5)]
    assert old.values("loss") == [struct.unpack("<f", struct.pack("<f", 1 / (step + 1)))[0] for step in range(200)]
    assert math.isnan(old.values("nan")[0]) and old.steps("nan") == [7]
    assert old.run.experiment == "logs" and old.run.started == 1_700_000_000_250_000
    assert old.files["imported/media/img/2.png"].startswith(b"\x89PNG")
    text = json.loads(old.files["imported/tensorboard-text.jsonl"])
    assert (text["step"], text["text"]) == (3, "hello *world*")
    histogram = json.loads(old.files["imported/tensorboard-histograms.jsonl"])
    assert (histogram["num"], histogram["min"], histogram["max"], sum(histogram["bucket"])) == (100, 0, 99, 100)
    assert "histograms kept as files" in old.notes


def test_runs_in_folders_of_runs_are_children(logs: Path) -> None:
    runs = walk_all(read(logs))[0]
    old = runs["old"].run.origin
    assert [runs[name].run.parent for name in ("old/both/a", "old/hp1", "twice")] == [old, old, None]
    assert runs["old/both/a"].points["both"][0][::2] == (5, 1.0)
    assert runs["old/hp1"].run.params == {"lr": "0.5", "opt": "adam", "flag": "true"}
    assert runs["old/hp1"].values("hp/acc") == [0.75]
    assert len({found.run.origin for found in runs.values()}) == 6


def test_two_files_of_one_run_are_one_run(logs: Path) -> None:
    assert walk_all(read(logs))[0]["twice"].values("x") == [0, 1, 2, 3, 4, 5]


def test_tensors_as_tensorflow_2_writes_them(logs: Path) -> None:
    new = walk_all(read(logs))[0]["new"]
    assert new.values("acc") == [0, 0.125, 0.25, 0.375, 0.5]
    histogram = json.loads(new.files["imported/tensorboard-histograms.jsonl"])
    assert (histogram["edges"], histogram["bucket"]) == ([0, 1, 2], [3, 4])
    assert json.loads(new.files["imported/tensorboard-text.jsonl"])["text"] == ["one", "two"]
    tensor = json.loads(new.files["imported/tensorboard-tensors.jsonl"])
    assert (tensor["plugin"], tensor["shape"], tensor["values"]) == ("my_plugin", [2, 2], [1, 2, 3, 4])


def test_the_origin_does_not_depend_on_where_the_folder_lies(logs: Path, tmp_path: Path) -> None:
    before = {found.run.origin for found in walk_all(read(logs))[0].values()}
    logs.rename(tmp_path / "elsewhere")
    assert {found.run.origin for found in walk_all(read(tmp_path / "elsewhere"))[0].values()} == before


def the_file(folder: Path) -> Path:
    return next(folder.glob("*tfevents*"))


def test_a_torn_tail(logs: Path) -> None:
    path = the_file(logs / "old")
    path.write_bytes(path.read_bytes()[:5000])
    found = walk_all(read(logs / "old"))[0]["old"]
    assert 50 < len(found.values("loss")) < 200
    assert "the file ends inside a record" in found.notes and str(path) in found.notes


def test_a_damaged_record_and_a_damaged_length(logs: Path) -> None:
    path = the_file(logs / "old")
    places = [at for at, _ in records(path, [])]
    data = bytearray(path.read_bytes())
    data[places[10] + 20] ^= 1
    path.write_bytes(bytes(data))
    found = walk_all(read(logs / "old"))[0]["old"]
    assert len(found.values("loss")) == 199 and f"byte {places[10]}: a damaged record" in found.notes
    data[places[20]] ^= 1
    path.write_bytes(bytes(data))
    found = walk_all(read(logs / "old"))[0]["old"]
    assert len(found.values("loss")) == 18
    assert f"byte {places[20]}: damaged; the last {len(data) - places[20]} bytes were left out" in found.notes


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", struct.pack("<Q", 1 << 60) + b"1234"])
def test_what_is_no_event_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "events.out.tfevents.1.x").write_bytes(content)
    runs, left = walk_all(read(tmp_path))
    assert runs == {} and "does not begin as an event file" in left[0].why


def test_nothing_here(tmp_path: Path) -> None:
    assert not recognises(str(tmp_path))
    with pytest.raises(Unreadable, match="no TensorBoard event file"):
        list(read(tmp_path))


def test_hostile_events_are_left_out_and_told(tmp_path: Path) -> None:
    from noria.integrations.wire import put

    odd = [b"\xff" * 40, put(5, put(1, put(1, "x") + put(8, put(1, 1) + put(4, b"123")))), put(1, 1.0) + put(2, b"x")]
    hidden = put(1, 1.0) + put(5, put(1, put(1, "../../../etc/cron") + put(4, put(4, b"\x89PNG"))))
    with (tmp_path / "events.out.tfevents.1.x").open("wb") as file:
        for record in [put(1, 1.0) + put(3, "brain.Event:2"), *odd, hidden]:
            put_record(file, record)
    (run,) = read(tmp_path)
    assert isinstance(run, ForeignRun)
    found = walk(run)
    assert found.notes.count("a record was left out") == 3
    assert list(found.files) == ["imported/media/etc/cron/0.png"]


def test_the_checksum_is_tensorflows() -> None:
    assert google_crc32c.value(b"123456789") == 0xE3069283, "the standard's check value"
    assert masked(b"123456789") == (((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def example() -> ForeignRun:
    steps = list(range(50))
    text = json.dumps({"tag": "said", "step": 2, "at": 1_700_000_000_000, "text": "hello"})
    return ForeignRun(
        origin="noria:run_1",
        id="run_1",
        experiment="flights",
        name="../../odd name",
        started=1_700_000_000_000_000,
        ended=1_700_000_060_000_000,
        params={"lr": "0.1", "kind": "l2"},
        series=[
            Series("loss", steps, [1_700_000_000_125 + step for step in steps], [0.5**step for step in steps]),
            Series("val/auc", [-3, 2**40], [0, 1], [float("nan"), float("inf")]),
        ],
        artifacts=[
            ForeignFile("imported/tensorboard-text.jsonl", text.encode()),
            ForeignFile("tensorboard/images/roc/4.png", b"\x89PNG\r\n\x1a\n picture"),
            ForeignFile("model.pkl", b"x"),
        ],
    )


def test_tensorboard_reads_what_we_write(tmp_path: Path, script: Script) -> None:
    for _ in range(2):  # written again it replaces itself
        (given,) = exporter.write([example()], str(tmp_path / "out"))
    assert given.points == 52 and "1 files stay behind" in given.notes[-1]
    assert Path(given.place).is_relative_to(tmp_path / "out")
    (found,) = json.loads(script("trackers", "read_with_tensorboard.py", tmp_path / "out")).values()
    loss = found["scalars"]["loss"]
    assert loss == [[step, 1_700_000_000.125 + step / 1000, 0.5**step] for step in range(50)]
    assert found["scalars"]["val/auc"][0][0] == -3 and math.isnan(found["scalars"]["val/auc"][0][2])
    assert found["scalars"]["val/auc"][1][::2] == [2**40, math.inf]
    assert found["texts"] == {"said": ["hello"]}
    assert found["images"] == {"roc": [16]}
    assert found["hparams"] == [
        f"_hparams_/{name}" for name in ("experiment", "session_end_info", "session_start_info")
    ]


def test_we_read_back_what_we_write(tmp_path: Path) -> None:
    list(exporter.write([example()], str(tmp_path)))
    (run,) = read(tmp_path)
    assert isinstance(run, ForeignRun)
    found = walk(run)
    assert found.values("loss") == [0.5**step for step in range(50)]
    assert found.run.params == {"lr": "0.1", "kind": "l2"}
    assert (found.run.started, found.run.ended) == (1_700_000_000_000_000, 1_700_000_060_000_000)
