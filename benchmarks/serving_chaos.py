"""Swaps, a canary, a rollback and killed servers under load: `python benchmarks/serving_chaos.py [--seconds S]`.

First 2,000 requests a second in an open loop with nothing else going on; then the same while versions are swapped by
promotions, a canary takes a share and is rolled back: no request may fail, and the 99th percentile is compared. Then
`noria serve --standby` is killed by SIGKILL every two seconds while a client of ours asks: no call may fail, and how
long each took over a kill is the recovery. Server on one core, load on the other.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beside import LOAD_CORE, SERVER_CORE, machine
from serving_models import add_version, workspace

from noria import Client, Patience
from noria.core.clock import monotonic, sleep
from noria.registry.operations import promote
from noria.serving.log import LogReader, log_path
from noria.serving.model import Routing
from noria.serving.operations import set_routing
from noria.workspace.workspace import Workspace

HERE = Path(__file__).parent
MODEL = "trees"
RATE = 2000
FEATURES = [f"f{number:02}" for number in range(20)]
ROW = {"ask_id": "a", **{name: round(0.1 * number - 0.9, 3) for number, name in enumerate(FEATURES)}}


@dataclass
class Found:
    """What a client saw while servers were killed; seconds."""

    kills: int = 0
    calls: int = 0
    failed: list[str] = field(default_factory=list)
    longest: list[float] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@contextmanager
def server(home: Path, *more: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server on its core: its port and process."""
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, str(HERE / "serving_models.py"), "serve", str(home)]
    process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline().strip().rsplit(":", 1)[1]), process
    finally:
        with_grace(process)


def with_grace(process: subprocess.Popen[str]) -> None:
    """End a process and what it started."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(40)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def load(tool: Path, port: int, folder: Path, seconds: float) -> dict[str, Any]:
    """The open loop; its counts, and percentiles in microseconds."""
    body = json.dumps(ROW).encode()
    head = f"POST /predict?model={MODEL} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    request = folder / "request.bin"
    request.write_bytes(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    command = ["taskset", "-c", str(LOAD_CORE), str(tool), "127.0.0.1", str(port), str(request), "64", str(seconds)]
    said = subprocess.run([*command, str(RATE)], check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def swapping(ws: Workspace, seconds: float, swaps: int) -> None:
    """Promotions one after the other, then a canary that grows, then its rollback."""
    pause = seconds * 0.8 / swaps
    for number in range(swaps):
        promote(ws, MODEL, 1 + number % 2, reason=f"swap {number}")
        sleep(pause)
    for share in (0.1, 0.5):
        route(ws, Routing(MODEL, champion=1, challenger=3, mode="split", share=share, salt="s", rollout="bench"))
        sleep(seconds * 0.06)
    route(ws, Routing(MODEL, champion=1, rollout="bench"))


def route(ws: Workspace, routing: Routing) -> None:
    """Put a routing in force."""
    with ws.database.transaction() as connection:
        set_routing(ws, connection, routing)


def swaps_under_load(folder: Path, tool: Path, seconds: float, swaps: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the load saw without and with changes."""
    home = folder / MODEL
    with server(home) as (port, _):
        load(tool, port, folder, 3)
        quiet = load(tool, port, folder, min(seconds, 20))
        ws = workspace(home)
        changing = threading.Thread(target=swapping, args=(ws, seconds, swaps))
        changing.start()
        busy = load(tool, port, folder, seconds)
        changing.join()
        ws.close()
    return quiet, busy


def kills_under_load(folder: Path, seconds: float) -> Found:
    """A client asks one row after the other while whoever answers is killed every two seconds."""
    found, home = Found(), folder / MODEL
    with (
        server(home, "standby") as (port, process),
        Client(
            f"http://127.0.0.1:{port}",
            patience=Patience(deadline=20, attempts=1000, first_wait=0.005, longest_wait=0.02),
        ) as client,
    ):
        client.predict(ROW, MODEL)
        end, next_kill, slowest = monotonic() + seconds, monotonic() + 2, 0.0
        while monotonic() < end:
            if monotonic() >= next_kill:
                if found.kills:
                    found.longest.append(slowest)
                slowest, next_kill = 0.0, monotonic() + 2
                found.kills += kill_who_answers(process.pid, port)
            started = monotonic()
            found.calls += 1
            try:
                found.ids.append(client.predict(ROW, MODEL).prediction_id)
            except Exception as error:  # every kind of failure counts
                found.failed.append(repr(error))
            slowest = max(slowest, monotonic() - started)
    return found


def kill_who_answers(parent: int, port: int) -> int:
    """SIGKILL to the child that has a connection; 1 when there was one."""
    import psutil

    for child in psutil.Process(parent).children(recursive=True):
        connections = [one for one in child.net_connections() if one.laddr and one.laddr.port == port]
        if any(one.status == psutil.CONN_ESTABLISHED for one in connections):
            child.kill()
            return 1
    return 0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--swaps", type=int, default=50)
    said = parser.parse_args()
    print(machine(), flush=True)
    os.sched_setaffinity(0, {LOAD_CORE} if (os.cpu_count() or 1) > 1 else {0})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tool = folder / "load"
        subprocess.run(["cc", "-O2", "-o", str(tool), str(HERE / "load.c")], check=True)
        for seed in (1, 2, 3):
            add_version(folder, MODEL, seed)
        quiet, busy = swaps_under_load(folder, tool, said.seconds, said.swaps)
        for title, one in (("nothing else", quiet), (f"{said.swaps} swaps, a canary, a rollback", busy)):
            tails = f"p50 {one['p50'] / 1000:.2f} ms, p99 {one['p99'] / 1000:.2f} ms"
            failed = one["failed"] + one["refused"]
            print(f"{title}: {one['answered']:,} in {one['seconds']:.0f} s, {failed} failed, {tails}", flush=True)
        print(f"p99 with changes / without: {busy['p99'] / quiet['p99']:.2f}")
        found = kills_under_load(folder, said.seconds)
        ws = workspace(folder / MODEL)
        logged = [one.prediction_id for one in LogReader(log_path(ws)).predictions()[0]]
        lost = set(found.ids) - set(logged)
        ws.close()
        times = sorted(found.longest)
        print(
            f"{found.kills} kills in {said.seconds:.0f} s: {found.calls:,} calls, {len(found.failed)} failed; "
            f"the longest call around each: {times[len(times) // 2] * 1000:.0f} ms in the median, "
            f"{times[-1] * 1000:.0f} ms at most; "
            f"{len(lost)} acknowledged answers missing in the log, {len(logged) - len(set(logged))} twice"
        )
        for line in found.failed[:5]:
            print(line)
    return 1 if found.failed or lost or busy["failed"] or busy["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
