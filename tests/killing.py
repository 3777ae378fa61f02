"""Killing processes at random moments, again and again, until the work they do is finished."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from flights_project import FlightsProject
from noria.serving.log import LogReader


def kill_until_finished(
    start: Callable[[], "subprocess.Popen[str]"], chance: random.Random, *, kills: int, within: float
) -> int:
    """Start it, `kill -9` its whole group after a random part of `within` seconds, and start it again.

    After `kills` of them it may finish. Gives how many found it alive.
    """
    struck = 0
    for _ in range(kills):
        process = start()
        try:
            process.wait(chance.uniform(0.0, within))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            struck += 1
        else:
            assert process.returncode == 0, process.returncode
    last = start()
    assert last.wait(120) == 0
    return struck


def the_version(project: FlightsProject) -> tuple[int, str, str]:
    """The only version there is: its number, and the digests of its model and of its features."""
    lineage = project.noria("lineage", "lateness@1")
    return lineage["version"], lineage["model_digest"], lineage["features"]


def once_each(project: FlightsProject) -> bool:
    """The journal is whole, and tells of one turn, one version and one promotion."""
    assert project.noria("journal", "--verify")["intact"]
    kinds = [entry["kind"] for entry in project.noria("journal", "--limit", "1000")]
    return all(
        kinds.count(kind) == 1 for kind in ("TurnStarted", "VersionRegistered", "VersionPromoted", "TurnFinished")
    )


class Victims:
    """The processes of one `noria replay`, by what they do; found by the project folder on their command line."""

    ROLES: ClassVar = {"serve": "data plane", "control": "control plane", "up": "supervisor", "replay": "driver"}

    def __init__(self, root: Path) -> None:
        self.root = root

    def alive(self) -> dict[str, int]:
        found = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if str(self.root) in words and "noria.cli.main" in words:
                role = self.ROLES.get(words[words.index("noria.cli.main") + 1])
                if role is not None:
                    found[role] = int(path.parent.name)
        return found

    def kill_one(self, chance: random.Random) -> str:
        alive = self.alive()
        role = chance.choice(sorted(alive))
        with suppress(ProcessLookupError):
            os.kill(alive[role], signal.SIGKILL)
        return role

    def wait_until_gone(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.alive() and time.monotonic() < until:
            time.sleep(0.05)
        assert not self.alive()


def kill_during_replay(
    project: FlightsProject, arguments: list[str], chance: random.Random, *, kills: int, within: float
) -> list[str]:
    """Replay while one process after another is killed; the driver is started again when it was the victim.

    Gives the roles that were killed, in order.
    """
    victims, killed = Victims(project.root), list[str]()
    log = (project.root / "replay.log").open("a")

    def start() -> "subprocess.Popen[str]":
        return project.start("replay", *arguments, "--json", stdout=subprocess.DEVNULL, stderr=log)

    driver = start()
    while len(killed) < kills and driver.poll() is None:
        try:
            driver.wait(chance.uniform(within / 4, within))
        except subprocess.TimeoutExpired:
            killed.append(victims.kill_one(chance))
            if killed[-1] == "driver":
                driver.wait()
                driver = start()
    assert driver.wait(240) == 0, (project.root / "replay.log").read_text()[-2000:]
    victims.wait_until_gone(20)
    return killed


@dataclass(frozen=True)
class Logged:
    """What is in the prediction log when nobody writes it any more."""

    predictions: list[str]
    labels: list[tuple[str, float | None]]

    @property
    def doubled(self) -> int:
        return len(self.predictions) - len(set(self.predictions)) + len(self.labels) - len(set(self.labels))


def logged(project: FlightsProject) -> Logged:
    reader = LogReader(project.root / ".noria" / "log")
    predictions = [one.prediction_id for one in reader.predictions()[0]]
    return Logged(predictions, [(one.prediction_id, one.label) for one in reader.feedback()[0]])
