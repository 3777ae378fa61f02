"""`noria predict`: the flights of a project answered whole, and by its server one by one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from flights_project import FlightsProject
from noria.testing.server_process import free_port

ASKED = "SELECT * FROM 'data/flights/2013-02.parquet' ORDER BY flight_id LIMIT 60"


def test_the_answers_are_those_of_a_running_server(flights_that_ran: FlightsProject, tmp_path: Path) -> None:
    project, target = flights_that_ran, tmp_path / "answers.parquet"
    told = project.noria("predict", "lateness", "--input", asked(project), "--output", str(target), "--at", "now")
    assert (told["rows"], told["refused"], told["lookup"], told["version"]) == (60, 0, "history", 1)
    port = str(free_port())
    server = project.start("serve", "--port", port, stderr=subprocess.PIPE)
    try:
        for line in server.stderr:
            if line.startswith("noria: "):
                break
        sent = [ask(row) for row in pq.read_table(flights_file(project)).sort_by("flight_id").slice(0, 60).to_pylist()]
        answer = httpx.post(f"http://127.0.0.1:{port}/predict", json={"rows": sent}, timeout=30).json()
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        server.stderr.close()
    table = pq.read_table(target)
    assert table["flight_id"].to_pylist() == [row["flight_id"] for row in sent]
    online = [one["output"] for one in answer["predictions"]]
    assert table["prediction"].to_pylist() == pytest.approx(online, abs=1e-9)
    there = tmp_path / "there.parquet"
    project.noria(
        "predict", "lateness", "--input", asked(project), "--output", str(there), "--at", "now", "--on", "ray",
        "--rows", "25",
    )  # fmt: skip
    assert pq.read_table(there)["prediction"].to_pylist() == pytest.approx(online, abs=1e-9)
    own = tmp_path / "own.csv"
    shown = project.shown("predict", "lateness@1", "--input", asked(project), "--output", str(own), "--columns", "dest")
    assert "60 rows of lateness version 1" in shown
    assert "history, each at its own moment" in shown
    assert own.read_text().splitlines()[0] == '"flight_id","dest","asked_at","prediction","version","error"'


def test_what_cannot_begin_says_why(flights: FlightsProject, tmp_path: Path) -> None:
    target = str(tmp_path / "answers.parquet")
    for arguments, words in (
        (("lateness", "--input", "nothing.parquet", "--output", target), ("there is no alias 'lateness@production'",)),
        (("latenes", "--input", "nothing.parquet", "--output", target), ("did you mean 'lateness'?",)),
        (
            ("lateness", "--input", "x.csv", "--output", target, "--features", "gven"),
            ("one of given, history, online",),
        ),
        (("lateness", "--input", "x.csv", "--output", target, "--at", "noon"), ("--at is no moment",)),
        (("lateness", "--input", "x.csv", "--output", target, "--on", "spark"), ("one of here, ray",)),
        (("lateness", "--input", "x.csv", "--output", "answers.json"), ("[N6123]", "no format")),
    ):
        process = flights.start("predict", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, errors = process.communicate()
        assert process.returncode == 1
        assert "Traceback" not in errors
        for word in words:
            assert word in errors, errors
    assert not list(tmp_path.glob(".*.unfinished"))


def flights_file(project: FlightsProject) -> Path:
    (found,) = (project.root / "data").rglob("flights/2013-02.parquet")
    return found


def asked(project: FlightsProject) -> str:
    return ASKED.replace("data/flights/2013-02.parquet", str(flights_file(project)))


def ask(row: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(row, default=lambda moment: moment.isoformat()))
