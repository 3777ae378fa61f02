"""Processes that fork, are told to end, fall over or are killed: what was acknowledged stays, and the run tells."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap

import pytest

import noria
from noria.stores.spool import Spool
from noria.tracking.client.console import gathered
from noria.tracking.client.folder import spools
from noria.tracking.records import Begun, Ended, Row, Tags


def program(folder, body, **environment):
    """A training program, started in the folder; its first line says that it is ready."""
    code = "import os, signal, sys, threading, time\nimport noria\n" + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip


def end_states(records):
    return [one.state for one in records if isinstance(one, Ended)]


def log_in_a_child(start, number):
    for step in range(20):
        noria.log_metric(f"child {number}", step, step=start + step)


def test_a_forked_child_logs_to_the_same_run_in_a_spool_of_its_own(folder, spooled):
    fork = multiprocessing.get_context("fork")
    with noria.run() as run:
        noria.log_metric("parent", 1.0, step=1)
        children = [fork.Process(target=log_in_a_child, args=(100, number)) for number in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
        noria.log_metric("parent", 2.0, step=2)
    found = spooled()
    assert {one.run for one in found} == {run.id}
    assert sorted(one.owner for one in found if isinstance(one, Begun)) == [False, False, False, True]
    assert end_states(found) == ["finished"]
    for number in range(3):
        steps = [one.step for one in found if isinstance(one, Row) and f"child {number}" in one.values]
        assert steps == list(range(100, 120))
    assert [one.values["parent"] for one in found if isinstance(one, Row) and "parent" in one.values] == [1.0, 2.0]


def test_a_child_that_outlives_its_parent_does_not_hold_the_parents_spool(folder):
    body = """
        run = noria.run()
        noria.log_metric("x", 1.0)
        if os.fork() == 0:
            print(os.getpid(), flush=True)
            time.sleep(60)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = program(folder, body)
    child = int(process.stdout.readline())
    process.wait()
    (spool,) = spools(folder / ".noria")
    Spool(spool.path).close()  # would raise Conflict if the child held the lock
    os.kill(child, signal.SIGKILL)
    process.communicate()


def test_a_child_of_os_fork_that_exits_ends_nothing(folder, spooled):
    body = """
        with noria.run():
            child = os.fork()
            if child == 0:
                noria.log_metric("child", 1.0)
                sys.exit(0)
            os.waitpid(child, 0)
            noria.log_metric("parent", 1.0)
    """
    assert program(folder, body).wait() == 0
    found = spooled()
    assert end_states(found) == ["finished"]
    assert sorted(name for one in found if isinstance(one, Row) for name in one.values) == ["child", "parent"]


def test_threads_that_log_while_a_process_forks_do_not_block_the_child(folder, spooled):
    body = """
        run = noria.run()
        stop = threading.Event()
        def work():
            while not stop.is_set():
                noria.log_metric("noise", 1.0)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for number in range(20):
            child = os.fork()
            if child == 0:
                noria.log_metric("child", number, step=number)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in threads: thread.join()
    """
    assert program(folder, body).wait(60) == 0
    steps = [one.step for one in spooled() if isinstance(one, Row) and "child" in one.values]
    assert sorted(steps) == list(range(20))


@pytest.mark.parametrize(
    ("body", "code", "state"),
    [
        ("pass", 0, "finished"),
        ("sys.exit(3)", 3, "finished"),
        ("raise ValueError('diverged')", 1, "failed"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM, "killed"),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", -signal.SIGINT, "killed"),
    ],
)
def test_the_run_of_a_program_ends_with_it(folder, spooled, body, code, state):
    process = program(folder, f"noria.log_metric('x', 1.0)\n{body}")
    assert process.wait(60) == code, process.stderr.read()
    assert end_states(spooled()) == [state]


def test_a_handler_of_the_programs_own_is_left_alone(folder, spooled):
    body = """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        with noria.run():
            noria.log_metric("x", 1.0)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
    """
    assert program(folder, body).wait(60) == 7
    assert end_states(spooled()) == ["failed"]


def test_an_acknowledged_point_survives_a_kill_and_so_does_what_was_printed(folder, spooled):
    body = """
        run = noria.run(console=True)
        print("ready", flush=True)
        print("to stderr", file=sys.stderr)
        for step in range(1_000):
            noria.log_metric("x", step, step=step)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = program(folder, body)
    assert process.wait(60) == -signal.SIGKILL
    assert [one.step for one in spooled() if isinstance(one, Row)] == list(range(1_000))
    assert end_states(spooled()) == []
    (spool,) = spools(folder / ".noria")
    assert gathered(spool.path) == b"ready\nto stderr\n"


def test_a_spool_with_a_torn_tail_is_read_up_to_it(folder, spooled):
    program(
        folder, "noria.log_metric('x', 1.0); noria.log_metric('x', 2.0); os.kill(os.getpid(), signal.SIGKILL)"
    ).wait()
    (spool,) = spools(folder / ".noria")
    (file,) = spool.path.glob("*.spool")
    os.truncate(file, file.stat().st_size - 3)
    assert [one.values for one in spooled() if isinstance(one, Row)] == [{"x": 1.0}]


def test_nothing_secret_is_captured(folder, spooled):
    script = folder / "train.py"
    script.write_text("import noria\nnoria.log_metric('x', 1.0)\n")
    arguments = [
        "--api-key",
        "abc123xyz",
        "--password=hunter22",
        "https://ann:pw12345@example.org/",
        "plain",
        "in-the-environment",
    ]
    environment = {
        "NORIA_CAPTURE_CODE": "1",
        "NORIA_CAPTURE_ENVIRONMENT": "1",
        "MY_TOKEN": "in-the-environment",
        "RANK": "3",
    }
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(
        ["git", "remote", "add", "origin", "https://ann:ghp_0123456789abcdef@example.org/x.git"], cwd=folder, check=True
    )
    subprocess.run(["git", "add", "train.py"], cwd=folder, check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"], cwd=folder, check=True)
    script.write_text(script.read_text() + "# changed\n")
    subprocess.run([sys.executable, "train.py", *arguments], cwd=folder, check=True, env={**os.environ, **environment})
    tags = {}
    for one in spooled():
        tags |= one.values if isinstance(one, Tags) else {}
    assert tags["mlflow.source.git.repoURL"] == "https://***@example.org/x.git"
    assert tags["noria.git.dirty"] == "true"
    assert len(tags["mlflow.source.git.commit"]) == 40
    assert tags["noria.command"] == "train.py --api-key *** --password=*** https://***@example.org/ plain ***"
    (spool,) = spools(folder / ".noria")
    everything = b"".join(path.read_bytes() for path in spool.path.rglob("*") if path.is_file())
    for secret in (b"abc123xyz", b"hunter22", b"pw12345", b"ghp_", b"in-the-environment"):
        assert secret not in everything
    assert b"+# changed" in everything
    assert b'"RANK": "3"' in everything
    assert b'"msgspec"' in everything
