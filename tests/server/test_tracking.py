"""`noria server` as a process of its own: how it starts, what it weighs, how it stops, what eight writers do to it."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from noria.testing.noria_server import noria_server
from noria.testing.server_process import free_port

MIB = 1 << 20
ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/big.bin"


def resident(pid):
    """Memory of a process in bytes, and the most it ever had."""
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return tuple(int(told[name].split()[0]) << 10 for name in ("VmRSS", "VmHWM"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with noria_server(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server.url, timeout=120) as client:
        yield client


def call(http, path, **body):
    answer = http.post(f"/api/2.0/mlflow/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def new_run(http):
    return call(http, "runs/create", experiment_id="0")["run"]["info"]["run_id"]


def test_it_is_one_process_that_is_light(server):
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    assert children == []
    assert resident(server.pid)[0] < 110 * MIB


def test_a_large_artifact_goes_through_without_staying_in_memory(server, http):
    size, piece = 192 * MIB, os.urandom(MIB)
    http.put(ARTIFACT, content=piece)
    assert http.get(ARTIFACT).content == piece
    before = resident(server.pid)[1]
    sent = http.put(ARTIFACT, content=(piece for _ in range(size // MIB)), headers={"content-length": str(size)})
    assert sent.status_code == 200
    received = 0
    with http.stream("GET", ARTIFACT) as answer:
        for chunk in answer.iter_raw():
            received += len(chunk)
    assert received == size
    assert resident(server.pid)[1] - before < 16 * MIB


def test_a_client_that_does_not_read_fills_no_memory(server, http):
    size, piece = 96 * MIB, os.urandom(MIB)
    http.put(ARTIFACT, content=(piece for _ in range(size // MIB)), headers={"content-length": str(size)})
    before = resident(server.pid)[0]
    with http.stream("GET", ARTIFACT) as answer:
        next(answer.iter_raw())
        assert http.get("/health").status_code == 200
        assert resident(server.pid)[0] - before < 16 * MIB


def write(url, count, faults):
    """One writer: points, batches and a param that cannot be changed, and in the end all of it is there."""
    with httpx.Client(base_url=url, timeout=120) as http:
        run = new_run(http)
        for step in range(count):
            point = {"value": step, "timestamp": step, "step": step}
            batch = {"metrics": [{"key": "loss", **point}], "params": [{"key": f"p{step}", "value": "1"}]}
            calls = [
                ("log-metric", {"key": "m", **point}, 200),
                ("log-batch", batch, 200),
                ("set-tag", {"key": "t", "value": "1"}, 200),
                ("log-parameter", {"key": "p0", "value": "no"}, 400),
            ]
            for path, body, status in calls:
                answer = http.post(f"/api/2.0/mlflow/runs/{path}", json={"run_id": run, **body})
                if answer.status_code != status:
                    faults.append(answer.text)
        found = http.get("/api/2.0/mlflow/metrics/get-history", params={"run_id": run, "metric_key": "m"}).json()
        if len(found["metrics"]) != count:
            faults.append(run)


def write_at_once(url):
    faults = []
    threads = [threading.Thread(target=write, args=(url, 25, faults)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_eight_writers_at_once_meet_no_error_but_their_own(server):
    assert write_at_once(server.url) == []


def test_eight_writers_at_once_on_postgresql(tmp_path, postgres):
    with noria_server(tmp_path, url=postgres.url) as server:
        assert write_at_once(server.url) == []


def test_clients_of_noria_come_in_at_the_same_address(http):
    assert http.get("/api/noria/ingest", params={"spool": "s"}).json() == {"position": 0}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_cleanly_with_what_was_acknowledged(tmp_path, how):
    port = free_port()
    command = [sys.executable, "-m", "noria.cli.main", "server", "--port", str(port), "--home", str(tmp_path / "home")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline() == f"noria: tracking at http://127.0.0.1:{port}\n"
    assert process.stderr.readline() == f"export MLFLOW_TRACKING_URI=http://127.0.0.1:{port}\n"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        run = new_run(http)
        call(http, "runs/log-metric", run_id=run, key="m", value=1, timestamp=1)
    process.send_signal(how)
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == ""
    with noria_server(tmp_path / "home") as again, httpx.Client(base_url=again.url) as http:
        shown = http.get("/api/2.0/mlflow/runs/get", params={"run_id": run}).json()["run"]
        assert shown["data"]["metrics"][0]["value"] == 1


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    with noria_server(tmp_path) as server:
        with httpx.Client(base_url=server.url) as http:
            run = new_run(http)
            for step in range(20):
                call(http, "runs/log-metric", run_id=run, key="m", value=step, timestamp=step, step=step)
            http.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/a", content=b"kept")
        server.stop(signal.SIGKILL)
        server.start()
        with httpx.Client(base_url=server.url) as http:
            found = http.get("/api/2.0/mlflow/metrics/get-history", params={"run_id": run, "metric_key": "m"}).json()
            assert len(found["metrics"]) == 20
            assert http.get(f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/a").content == b"kept"


@pytest.mark.parametrize(("more", "said"), [
    (["--database", "mysql://h/d"], "N2001"), (["--page", "/nowhere"], "no web page in"),
    (["--database", "sqlite:////proc/nowhere/x.db"], "N1503"),
])  # fmt: skip
def test_what_it_cannot_start_with_is_told_in_a_sentence(tmp_path, more, said):
    command = [sys.executable, "-m", "noria.cli.main", "server", "--port", "0", "--home", str(tmp_path), *more]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(server, tmp_path):
    command = [sys.executable, "-m", "noria.cli.main", "server", "--port", str(server.port), "--home", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "cannot be listened on" in done.stderr + done.stdout


def test_in_a_projects_folder_it_keeps_what_the_project_keeps(flights, tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "noria.cli.main", "server", "--port", str(port), "-C", str(flights.root)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stderr is not None
    process.stderr.readline()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            call(http, "experiments/create", name="here")
    finally:
        process.terminate()
        process.communicate()
    listed = subprocess.run(
        [sys.executable, "-m", "noria.cli.main", "journal", "--json", "-C", str(flights.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ExperimentCreated" in json.dumps(json.loads(listed.stdout))
