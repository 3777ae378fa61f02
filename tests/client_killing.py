"""Trainers and their server, killed at random moments; and whether every acknowledged point is there, once."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from noria.testing.ingest_server import IngestServer, opened, witnessed
from noria.tracking.client.folder import spools

TRAINER = """
import os, sys, time, noria
run = noria.run(sys.argv[1], to=sys.argv[2])
for step in range(int(sys.argv[3])):
    run.log_metric("loss", step * 0.5, step=step)
    os.write(1, b"%s %d\\n" % (run.id.encode(), step))
    if step % 7 == 0:
        time.sleep(0.002)
"""


@dataclass
class Trainer:
    """A process that logs points, and writes each one that was acknowledged to a pipe."""

    process: "subprocess.Popen[bytes]"
    life: float
    dies_at: float
    acknowledged: list[tuple[str, int]] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                run, step = line.split()
                if not self.acknowledged:  # its life begins with its first point, however long it took to start
                    self.dies_at = min(self.dies_at, time.monotonic() + self.life)
                self.acknowledged.append((run.decode(), int(step)))


@dataclass
class Verdict:
    """What came of it."""

    trainers_killed: int
    servers_killed: int
    ended_by_themselves: int
    acknowledged: int
    lost: int
    doubled: int
    wrong: int
    runs: int
    left: int

    @property
    def good(self) -> bool:
        return self.acknowledged > 0 and self.lost == self.doubled == self.wrong == self.left == 0


class Campaign:
    """So many kills, a tenth of them of the server, the others of trainers of whom several run at once."""

    def __init__(self, folder: Path, *, kills: int, seed: int, database: str = "", at_once: int = 3) -> None:
        self.folder, self.kills, self.database = folder, kills, database
        self.chance = random.Random(seed)
        self.at_once = at_once
        self.server = IngestServer(folder / "server", database)
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.killed = Counter[str]()
        self.everyone: list[Trainer] = []

    def run(self) -> Verdict:
        self.server.start()
        running: list[Trainer] = []
        server_dies = time.monotonic() + self._servers_life()
        while self.killed.total() < self.kills:
            running = [one for one in running if self._still(one)]
            while len(running) < self.at_once:
                running.append(self._start())
            if time.monotonic() >= server_dies:
                self.server.kill()
                self.killed["server"] += 1
                time.sleep(self.chance.uniform(0.0, 0.1))
                self.server.start(wait=False)
                server_dies = time.monotonic() + self._servers_life()
            time.sleep(0.002)
        for one in running:
            one.process.kill()
        self.server.kill()
        self.server.start()
        left = self._sync()
        self.server.kill()
        return self._judged(left)

    def _servers_life(self) -> float:
        return self.chance.uniform(0.5, 5.0)

    def _start(self) -> Trainer:
        arguments = [f"trainer {len(self.everyone)}", self.server.url, str(self.chance.choice([200, 2_000, 100_000]))]
        process = subprocess.Popen(
            [sys.executable, "-c", TRAINER, *arguments], cwd=self.work,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **dict.fromkeys(_CAPTURES, "0")},
        )  # fmt: skip
        unborn = self.chance.random() < 0.1
        dies_at = time.monotonic() + (self.chance.uniform(0.0, 0.5) if unborn else 60.0)
        trainer = Trainer(process, self.chance.uniform(0.0, 0.6), dies_at)
        threading.Thread(target=trainer.listen, daemon=True).start()
        self.everyone.append(trainer)
        return trainer

    def _still(self, one: Trainer) -> bool:
        if one.process.poll() is not None:
            return False
        if time.monotonic() < one.dies_at:
            return True
        one.process.send_signal(signal.SIGKILL)
        self.killed["trainer"] += int(one.process.wait() == -signal.SIGKILL)
        return False

    def _sync(self) -> int:
        """`noria sync`, from two processes at once; gives the number of spools that are left."""
        command = [sys.executable, "-m", "noria.cli.main", "sync", "--json", "-C", str(self.work)]
        for _ in range(3):
            both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
            for one in both:
                json.loads(one.communicate()[0])
        return len(spools(self.work / ".noria"))

    def _judged(self, left: int) -> Verdict:
        ws = opened(self.server.root, self.database)
        with ws.database.reading() as connection:
            seen = Counter((run, step) for run, step in connection.execute(sa.select(witnessed)))
        acknowledged = [pair for one in self.everyone for pair in one.acknowledged]
        points = Counter[tuple[str, int]]()
        wrong = 0
        for run in {run for run, _ in seen}:
            for step, value in points_of(ws, run):
                points[run, step] += 1
                wrong += value != step * 0.5
        lost = sum(1 for pair in acknowledged if points[pair] == 0 or seen[pair] == 0)
        doubled = sum(1 for count in (*points.values(), *seen.values()) if count > 1)
        by_itself = sum(1 for one in self.everyone if one.process.wait() == 0)
        ws.close()
        return Verdict(
            self.killed["trainer"], self.killed["server"], by_itself, len(acknowledged), lost, doubled,
            wrong + abs(len(points) - len(seen)), len({run for run, _ in points}), left,
        )  # fmt: skip


def points_of(ws, run: str) -> list[tuple[int, float]]:
    """Step and value of each point that the store has of the run's series."""
    from noria.tracking import history

    columns = history.whole(ws, run, "loss")
    return list(zip(columns.step.tolist(), columns.value.tolist(), strict=True))


_CAPTURES = ("NORIA_CAPTURE_CODE", "NORIA_CAPTURE_ENVIRONMENT", "NORIA_CAPTURE_CONSOLE", "NORIA_CAPTURE_SYSTEM")
