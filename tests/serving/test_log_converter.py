"""Segments become Parquet in another process; when it cannot, nothing is lost and it says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from noria.serving.log import LogReader, PredictionLog
from noria.serving.log_converter import NotConverted, convert_apart
from noria.serving.model import PredictionRecord
from noria.testing.stream_suite import wait_until


def record(number: int) -> PredictionRecord:
    return PredictionRecord(
        prediction_id=f"p{number}", model="m", version=1, arm="champion", at=number, key="k",
        request={"a": number}, features={"b": 0.5}, output=0.25, latency=1.0,
    )  # fmt: skip


def logged(path: Path, rows: int) -> PredictionLog:
    log = PredictionLog(path, segment_bytes=1_000, background=False)
    log.append_many([record(number) for number in range(rows)])
    log._predictions.seal()
    return log


def ids(path: Path) -> list[str]:
    return [one.prediction_id for one in LogReader(path).predictions()[0]]


def test_what_is_sealed_is_parquet_afterwards_and_reads_the_same(tmp_path: Path) -> None:
    log = logged(tmp_path, 50)
    (tmp_path / "predictions").mkdir(exist_ok=True)
    (tmp_path / "predictions" / ".0-1.parquet.99.tmp").write_text("left by one that was killed")
    convert_apart(tmp_path)
    assert log.backlog() == 0
    assert ids(tmp_path) == [f"p{number}" for number in range(50)]
    assert not list((tmp_path / "predictions").glob(".*"))
    log.close()


def test_a_damaged_segment_is_told_and_stays(tmp_path: Path) -> None:
    log = logged(tmp_path, 50)
    segment = sorted(log._predictions.files.spool.glob("*.spool"))[0]
    segment.write_bytes(segment.read_bytes()[:-5])
    with pytest.raises(NotConverted, match="cannot be read"):
        convert_apart(tmp_path)
    assert segment.exists()
    log.close()


def test_it_ends_with_the_process_that_started_it() -> None:
    waiting = "import threading; from noria.serving import log_converter as c; "
    waiting += "c.convert = lambda path: (print('here', flush=True), threading.Event().wait()); c.main()"
    parent = f"import subprocess as s, sys; p = s.Popen([sys.executable, '-c', {waiting!r}, 'x'], "
    parent += "stdin=s.PIPE, stdout=s.PIPE); p.stdout.readline(); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        converter = int(process.stdout.readline())
        assert lives(converter)
        process.kill()
    wait_until(lambda: not lives(converter))


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
