from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import Conflict, StorageFull
from noria.serving.log import LogReader, PredictionLog
from noria.serving.log_columns import FEEDBACK, PREDICTIONS, from_table, to_table
from noria.serving.model import DamagedLog, FeedbackRecord, PredictionRecord


def record(number: int, **changes: object) -> PredictionRecord:
    values = {
        "prediction_id": f"p{number}", "model": "lateness", "version": 1, "arm": "champion", "at": number,
        "key": f"UA{number}", "request": {"origin": "JFK", "tailnum": None}, "features": {"Sky.visibility": 9.5},
        "output": 0.25, "latency": 300.0,
    }  # fmt: skip
    return PredictionRecord(**{**values, **changes})


def ids(path: Path) -> list[str]:
    return [one.prediction_id for one in LogReader(path).predictions()[0]]


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
)
ROWS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), VALUES, max_size=4)


@given(
    st.lists(st.builds(record, st.integers(0, 9), request=ROWS, features=ROWS, rollout=st.sampled_from([None, "r"])))
)
@settings(deadline=None, max_examples=60)
def test_columns_give_back_exactly_what_went_in(records: list[PredictionRecord]) -> None:
    back = from_table(PREDICTIONS, to_table(PREDICTIONS, records, 7))
    assert [repr(one) for one in back] == [repr(one) for one in records]


@given(st.lists(st.builds(FeedbackRecord, prediction_id=st.just("p"), at=st.just(1), outcome=ROWS | st.none())))
@settings(deadline=None, max_examples=30)
def test_feedback_columns_give_back_exactly_what_went_in(records: list[FeedbackRecord]) -> None:
    assert from_table(FEEDBACK, to_table(FEEDBACK, records, 0)) == records


def test_a_nan_among_the_features_stays_one() -> None:
    (back,) = from_table(PREDICTIONS, to_table(PREDICTIONS, [record(1, features={"x": math.nan})], 0))
    assert math.isnan(back.features["x"])


def test_everything_is_read_once_from_spool_and_parquet_together(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, background=False)
    for start in (0, 10, 20):
        log.append_many([record(number) for number in range(start, start + 10)])
        if start < 20:
            log.seal()
    assert ids(tmp_path) == [f"p{number}" for number in range(30)]
    rest, last = LogReader(tmp_path).predictions(14)
    assert ([one.prediction_id for one in rest][:2], last) == (["p15", "p16"], 29)
    assert LogReader(tmp_path).predictions(29) == ([], 29)
    log.close()
    names = [path.name for path in sorted((tmp_path / "predictions").iterdir())]
    assert names == [f"{first:020d}-{first + 9:020d}.parquet" for first in (0, 10, 20)]
    assert ids(tmp_path) == [f"p{number}" for number in range(30)]


def test_the_files_can_be_read_by_anybody(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, background=False)
    log.append(record(1))
    log.append_feedback(FeedbackRecord(prediction_id="p1", at=5, label=1.0, outcome={"refund": 20}))
    log.close()
    (row,) = pq.read_table(next((tmp_path / "predictions").iterdir())).to_pylist()
    assert (row["request.origin"], row["feature.Sky.visibility"], row["output"]) == ("JFK", 9.5, 0.25)
    (label,) = pq.read_table(next((tmp_path / "feedback").iterdir())).to_pylist()
    assert (label["label"], label["outcome.refund"]) == (1.0, 20)


def test_an_id_is_logged_once_for_ever(tmp_path: Path) -> None:
    for _ in range(3):
        log = PredictionLog(tmp_path, background=False)
        log.append_many([record(1), record(1, output=0.9), record(2)])
        log.append(record(2, output=0.1))
        assert (log.find("p1").output, log.find("p2").output, log.find("p3")) == (0.25, 0.25, None)
        log.close()
    assert ids(tmp_path) == ["p1", "p2"]


def test_the_same_feedback_counts_once_another_is_kept(tmp_path: Path) -> None:
    def label(value: float, at: int) -> FeedbackRecord:
        return FeedbackRecord(prediction_id="p1", at=at, label=value)

    log = PredictionLog(tmp_path, background=False)
    assert [log.append_feedback(label(1, 1)), log.append_feedback(label(1, 2)), log.append_feedback(label(0, 3))] == [
        True,
        False,
        True,
    ]
    log.close()
    log = PredictionLog(tmp_path, background=False)
    assert not log.append_feedback(label(1, 9))
    log.close()
    assert [(one.label, one.at) for one in LogReader(tmp_path).feedback()[0]] == [(1.0, 1), (0.0, 3)]


def test_a_crash_between_parquet_and_spool_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = PredictionLog(tmp_path, background=False)
    log.append_many([record(number) for number in range(5)])
    with monkeypatch.context() as patch:
        patch.setattr("noria.serving.log.drop_segment", lambda _: None)
        log.seal()
    assert ids(tmp_path) == [f"p{number}" for number in range(5)]
    log.append(record(5))
    log.close()
    assert ids(tmp_path) == [f"p{number}" for number in range(6)]
    assert len(list((tmp_path / "predictions").iterdir())) == 2


def test_a_half_written_parquet_file_is_no_log(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, background=False)
    log.append(record(1))
    folder = tmp_path / "predictions"
    folder.mkdir(parents=True)
    (folder / f".{0:020d}-{0:020d}.parquet.tmp").write_bytes(b"PAR1 half")
    assert ids(tmp_path) == ["p1"]
    log.close()
    assert ids(tmp_path) == ["p1"]


def test_lost_records_are_told_not_skipped(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, background=False)
    for number in range(3):
        log.append(record(number))
        log.seal()
    log.append(record(3))
    files = sorted((tmp_path / "predictions").iterdir())
    files[-1].unlink()
    with pytest.raises(DamagedLog, match="after position 1"):
        LogReader(tmp_path).predictions()
    log.close()


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, background=False)
    with pytest.raises(Conflict):
        PredictionLog(tmp_path, background=False)
    log.close()


def test_a_reader_beside_a_sealing_writer_sees_every_record_once_and_in_order(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, segment_bytes=2_000, background=False)
    stop = threading.Event()

    def seal() -> None:
        while not stop.is_set():
            log.seal()

    thread = threading.Thread(target=seal)
    thread.start()
    reader, seen, after = LogReader(tmp_path), [], -1
    for number in range(300):
        log.append(record(number))
        if number % 3 == 0:
            records, after = reader.predictions(after)
            seen += records
    stop.set()
    thread.join()
    seen += reader.predictions(after)[0]
    log.close()
    assert [one.prediction_id for one in seen] == [f"p{number}" for number in range(300)]


def test_nobody_who_answers_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, reached, goes_on, done = PredictionLog(tmp_path), threading.Event(), threading.Event(), []
    log.append_many([record(number) for number in range(5)])
    flush = os.fsync

    def slow(file: int) -> None:
        reached.set()
        goes_on.wait(5)
        flush(file)
        done.append(file)

    monkeypatch.setattr(os, "fsync", slow)
    sealing = threading.Thread(target=log.seal)
    sealing.start()
    assert reached.wait(20)
    log.append(record(5))
    assert not done
    goes_on.set()
    sealing.join()
    assert ids(tmp_path) == [f"p{number}" for number in range(6)]
    log.close()


def test_full_segments_are_closed_beside_and_by_whoever_appends_when_that_takes_too_long(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, segment_bytes=400)
    for number in range(40):  # all before the thread looks for the first time
        log.append(record(number))
    assert 0 < log.backlog() < 10
    for _ in range(100):
        if not log.backlog():
            break
        time.sleep(0.1)
    assert log.backlog() < 3
    log.close()
    assert ids(tmp_path) == [f"p{number}" for number in range(40)]


def test_a_writer_that_finds_a_log_brings_no_pandas_into_its_process(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, background=False)
    log.append_many([record(number) for number in range(5)])
    log.close()
    code = "import sys, pathlib; from noria.serving.log import PredictionLog; "
    code += "log = PredictionLog(pathlib.Path(sys.argv[1])); print('p3' in log, 'p9' in log, 'pandas' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "False", "False"]


def test_sealing_happens_by_itself(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, segment_bytes=500, seal_every=0.0)
    log.append_many([record(number) for number in range(20)])
    for _ in range(100):
        if list(tmp_path.glob("predictions/0*")):
            break
        threading.Event().wait(0.05)
    assert list(tmp_path.glob("predictions/0*"))
    log.close()


def test_a_full_disk_while_sealing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = PredictionLog(tmp_path, background=False)
    log.append(record(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("noria.serving.log_files._write", full)
        with pytest.raises(StorageFull):
            log.seal()
        log.append(record(2))
        assert log.backlog() == 1
        log.close()
    assert ids(tmp_path) == ["p1", "p2"]
    PredictionLog(tmp_path, background=False).close()
    assert ids(tmp_path) == ["p1", "p2"]
    assert not list((tmp_path / "predictions").glob(".*"))
