"""What was spooled is sent once: with the server there, away, slow or killed, and from several processes at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import noria
from noria.core.errors import Unavailable
from noria.stores.spool import Spool
from noria.testing.ingest_server import IngestServer
from noria.testing.workspace import make_workspace
from noria.tracking import ingest, runs
from noria.tracking.artifacts import list_artifacts
from noria.tracking.client.delivery import Delivery
from noria.tracking.client.destination import OwnWorkspace, ServerDestination
from noria.tracking.client.folder import spools
from noria.tracking.client.place import find_place
from noria.tracking.client.sweep import sweep, sync
from noria.tracking.history import whole
from noria.tracking.records import Row


@pytest.fixture
def server(tmp_path):
    with IngestServer(tmp_path / "server") as one:
        yield one


@pytest.fixture
def store(server):
    ws = make_workspace(server.root)
    yield ws
    ws.close()


def points(ws, run, name):
    columns = whole(ws, run, name)
    return list(zip(columns.step.tolist(), columns.value.tolist(), strict=True))


def train(folder, body, **environment):
    code = f"import os, signal, noria\n{body}"
    return subprocess.Popen([sys.executable, "-c", code], cwd=folder, env={**os.environ, **environment})


def test_a_run_that_ended_is_on_the_server_and_nothing_of_it_is_here(folder, server, store, monkeypatch):
    monkeypatch.setenv("NORIA_TRACKING_URI", server.url)
    (folder / "model.bin").write_bytes(b"weights" * 1000)
    with noria.run("baseline", experiment="flights", params={"depth": 6}, console=True, system=False) as run:
        print("hello from the run")
        for step in range(1000):
            noria.log_metric("loss", step / 8, step=step)
        noria.log_artifact("model.bin", "checkpoints/last.bin")
        assert run.flush(30)
        assert len(points(store, run.id, "loss")) == 1000
    found = runs.get_run(store, run.id)
    assert (found.name, found.state, found.params) == ("baseline", "finished", {"depth": "6"})
    assert points(store, run.id, "loss") == [(step, step / 8) for step in range(1000)]
    root = found.artifact_root.removeprefix("mlflow-artifacts:/")
    kept = {one.path: one.digest for one in list_artifacts(store, root)}
    assert {"checkpoints", "console.txt"} <= set(kept)
    assert store.blobs.get(kept["console.txt"]).startswith(b"hello from the run\n")
    assert spools(folder / ".noria") == []


def test_with_no_server_a_run_lands_in_the_projects_own_database(folder, monkeypatch):
    (folder / "flights.py").write_text("import noria\nproject = noria.Project('flights')\n")
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    monkeypatch.delenv("NORIA_TRACKING_URI")
    with noria.run(experiment="flights") as run:
        noria.log_metric("loss", 0.5, step=3)
        noria.log_artifact(b"bytes", "raw")
        assert run.flush(30)
    ws = make_workspace(folder)
    assert points(ws, run.id, "loss") == [(3, 0.5)]
    assert runs.get_run(ws, run.id).state == "finished"
    assert spools(folder / ".noria") == []
    ws.close()


def test_with_the_server_away_training_does_not_wait_and_sync_sends_it_later(folder, tmp_path, monkeypatch, capsys):
    server = IngestServer(tmp_path / "server")
    monkeypatch.setenv("NORIA_TRACKING_URI", server.url)
    with noria.run() as run:
        noria.log_metric("loss", 0.5)
        assert not run.flush(5)
    assert "`noria sync` sends them" in capsys.readouterr().err
    assert [one.failure for one in sync(find_place(folder))] != [""]
    with server:
        (shipped,) = sync(find_place(folder))
        assert (shipped.run, shipped.done, shipped.failure) == (run.id, True, "")
        assert sync(find_place(folder)) == []
    ws = make_workspace(server.root)
    assert points(ws, run.id, "loss") == [(0, 0.5)]
    assert runs.get_run(ws, run.id).state == "finished"
    ws.close()


def test_a_server_that_hangs_holds_up_neither_a_log_call_nor_the_end_for_long(folder, server, store, monkeypatch):
    monkeypatch.setenv("NORIA_TRACKING_URI", server.url)
    monkeypatch.setenv("NORIA_FLUSH_SECONDS", "0.2")
    with noria.run() as run:
        assert run.flush(30)
        server.pause()
        for step in range(5_000):
            noria.log_metric("loss", 1.0, step=step)
    server.go_on()
    while not (done := sync(find_place(folder))) or not done[0].done:
        pass
    assert len(points(store, run.id, "loss")) == 5_000


def test_a_killed_program_is_swept_by_the_next_one_and_its_run_is_marked(folder, server, store, monkeypatch):
    dead = train(
        folder,
        "run = noria.run('dead', console=True, to='offline'); print(run.id, flush=True); noria.log_metric('x', 1.0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    dead.wait()
    (spool,) = spools(folder / ".noria")
    run = spool.about().run
    to = ServerDestination(server.url)
    (shipped,) = sweep(folder / ".noria", to, "offline")
    to.close()
    assert (shipped.run, shipped.done) == (run, True)
    found = runs.get_run(store, run)
    assert found.state == "killed"
    assert found.ended >= found.started
    root = found.artifact_root.removeprefix("mlflow-artifacts:/")
    assert [one.path for one in list_artifacts(store, root)] == ["console.txt"]


def test_forked_children_are_sent_with_the_run(folder, server, store, monkeypatch):
    monkeypatch.setenv("NORIA_TRACKING_URI", server.url)
    body = """
with noria.run() as run:
    noria.log_metric("parent", 1.0)
    child = os.fork()
    if child == 0:
        noria.log_metric("child", 2.0)
        os._exit(0)
    os.waitpid(child, 0)
    open("id", "w").write(run.id)
"""
    assert train(folder, body).wait() == 0
    run = (folder / "id").read_text()
    assert points(store, run, "parent") == [(0, 1.0)]
    assert points(store, run, "child") == [(0, 2.0)]
    assert runs.get_run(store, run).state == "finished"
    assert spools(folder / ".noria") == []


def test_a_late_word_about_a_dead_process_does_not_end_a_run_that_goes_on(folder, server, store, monkeypatch):
    first = train(folder, "noria.run(id='again'); noria.log_metric('x', 1.0); os.kill(os.getpid(), signal.SIGKILL)")
    first.wait()
    monkeypatch.setenv("NORIA_TRACKING_URI", server.url)
    with noria.run(id="again", to=server.url) as run:
        noria.log_metric("x", 2.0, step=5)
        assert run.flush(30)
        assert [one.done for one in sync(find_place(folder))] != []
        assert runs.get_run(store, "again").state == "running"
    assert runs.get_run(store, "again").state == "finished"
    assert points(store, "again", "x") == [(0, 1.0), (5, 2.0)]


def test_two_that_send_the_same_spool_at_once_double_nothing(folder, server, store):
    with noria.run(id="shared"):
        for step in range(20_000):
            noria.log_metric("x", 1.0, step=step)
    (spool,) = spools(folder / ".noria")
    together = threading.Barrier(4)
    failures = []

    def send():
        to = ServerDestination(server.url)
        delivery = Delivery(spool, to)
        delivery._most_bytes = 20_000
        together.wait()
        try:
            delivery.send_all()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [step for step, _ in points(store, "shared", "x")] == list(range(20_000))
    (shipped,) = sync(find_place(folder), server.url)
    assert (shipped.sent, shipped.done) == (0, True)


def test_noria_sync_says_what_it_sent(folder, server, store, monkeypatch):
    with noria.run(id="spooled"):
        noria.log_metric("x", 1.0)
        noria.log_params({"bad/../name": 1})
    command = [sys.executable, "-m", "noria.cli.main", "sync", "-C", str(folder)]
    monkeypatch.setenv("NORIA_TRACKING_URI", "")
    nobody = subprocess.run(command, capture_output=True, text=True)
    assert (nobody.returncode, "nobody to send it to" in nobody.stdout) == (1, True)
    told = subprocess.run([*command, "--to", server.url, "--json"], capture_output=True, text=True, check=True)
    (shipped,) = json.loads(told.stdout)
    assert (shipped["run"], shipped["done"]) == ("spooled", True)
    again = subprocess.run([*command, "--to", server.url], capture_output=True, text=True, check=True)
    assert again.stdout == "There is nothing to send.\n"
    assert points(store, "spooled", "x") == [(0, 1.0)]


def test_a_spool_of_a_living_program_is_sent_as_far_as_it_is(folder, server, store):
    run = noria.run(id="living")
    noria.log_metric("x", 1.0)
    (shipped,) = sync(find_place(folder), server.url)
    assert (shipped.living, shipped.done) == (True, False)
    assert points(store, "living", "x") == [(0, 1.0)]
    noria.log_metric("x", 2.0)
    run.end()
    (shipped,) = sync(find_place(folder), server.url)
    assert shipped.done
    assert points(store, "living", "x") == [(0, 1.0), (1, 2.0)]


def test_a_torn_tail_costs_the_torn_record_alone(folder, server, store):
    train(
        folder, "noria.run(id='torn'); [noria.log_metric('x', 1.0) for _ in range(9)]; os.kill(os.getpid(), 9)"
    ).wait()
    (spool,) = spools(folder / ".noria")
    (file,) = spool.path.glob("*.spool")
    os.truncate(file, file.stat().st_size - 1)
    (shipped,) = sync(find_place(folder), server.url)
    assert shipped.done
    assert len(points(store, "torn", "x")) == 8
    assert runs.get_run(store, "torn").state == "killed"


def test_a_damaged_spool_is_told_and_stops_no_other(folder, server, store):
    for name in ("a", "b"):
        train(folder, f"noria.run(id='{name}'); noria.log_metric('x', 1.0); os.kill(os.getpid(), 9)").wait()
    first, _ = spools(folder / ".noria")
    spool = Spool(first.path)
    spool.seal()
    spool.close()
    file = min(first.path.glob("*.spool"))
    file.write_bytes(b"\0" + file.read_bytes()[1:])
    found = sync(find_place(folder), server.url)
    assert ["damaged" in found[0].failure, found[1].done] == [True, True]
    assert points(store, "b", "x") == [(0, 1.0)]


def test_a_spool_whose_folder_goes_while_it_is_written_is_told_and_the_run_goes_on(
    folder, server, store, monkeypatch, capsys
):
    monkeypatch.setenv("NORIA_TRACKING_URI", server.url)
    with noria.run(id="robbed") as run:
        assert run.flush(30)
        shutil.rmtree(folder / ".noria")
        noria.log_metric("x", 1.0)
        run.flush(30)
        noria.log_metric("x", 2.0)
    assert points(store, "robbed", "x")[-1] == (1, 2.0)
    assert "was removed" in capsys.readouterr().err


class NotNoria(BaseHTTPRequestHandler):
    """A server that answers something else."""

    status, body = 404, b"<html>"

    def _answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = do_PUT = do_HEAD = _answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"<html>"), (200, b"<html>"), (200, b"{}"), (500, b""), (401, b"who?"), (409, b"{}"), (301, b"")],
)
def test_a_server_that_is_none_is_told_and_nothing_is_lost(folder, spooled, monkeypatch, status, body):
    handler = type("Handler", (NotNoria,), {"status": status, "body": body})
    other = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    monkeypatch.setenv("NORIA_TRACKING_URI", f"http://127.0.0.1:{other.server_port}/prefix/")
    with noria.run() as run:
        noria.log_metric("x", 1.0)
        assert not run.flush(5)
    assert {"x": 1.0} in [one.values for one in spooled() if isinstance(one, Row)]
    assert sync(find_place(folder))[0].failure
    other.shutdown()
    other.server_close()


@pytest.mark.parametrize(
    "uri", ["nonsense", "ftp://example.org", "http://", "http://127.0.0.1:99999", "sqlite:///x.db", "\0"]
)
def test_an_address_that_is_none_is_told_and_nothing_is_lost(folder, spooled, uri):
    with noria.run(to=uri) as run:
        noria.log_metric("x", 1.0)
        assert not run.flush(5)
    assert {"x": 1.0} in [one.values for one in spooled() if isinstance(one, Row)]


def test_user_password_and_token_are_sent_and_never_shown(tmp_path):
    seen = []

    class Handler(NotNoria):
        status, body = 200, b'{"position": 0}'

        def do_GET(self):
            seen.append(self.headers["Authorization"])
            self._answer()

    other = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{other.server_port}"
    basic, bearer = (
        ServerDestination(f"http://ann:p%40ss@{address}"),
        ServerDestination(f"http://{address}", token="t0k"),
    )
    assert (basic.position("s"), bearer.position("s")) == (0, 0)
    assert seen == ["Basic YW5uOnBAc3M=", "Bearer t0k"]
    assert basic.name == f"http://{address}"
    other.shutdown()
    other.server_close()
    basic.close()
    with pytest.raises(Unavailable) as told:
        basic.position("s")
    assert "p%40ss" not in str(told.value)


def test_a_workspace_takes_in_the_same_as_a_server(folder, tmp_path):
    with noria.run(id="same"):
        noria.log_metric("x", 1.0)
    to = OwnWorkspace(tmp_path / "project")
    (shipped,) = sweep(folder / ".noria", to)
    to.close()
    ws = make_workspace(tmp_path / "project")
    assert (shipped.done, points(ws, "same", "x")) == (True, [(0, 1.0)])
    assert ingest.position_of(ws, shipped.spool) == 4
    ws.close()


def test_watching_goes_on_sending_what_is_logged(folder, server, store):
    command = [sys.executable, "-m", "noria.cli.main", "sync", "-C", str(folder), "--to", server.url, "--watch"]
    watching = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    with noria.run(id="watched"):
        noria.log_metric("x", 1.0)
    while spools(folder / ".noria"):
        assert watching.poll() is None
        time.sleep(0.05)
    watching.kill()
    watching.wait()
    assert points(store, "watched", "x") == [(0, 1.0)]
    assert runs.get_run(store, "watched").state == "finished"
