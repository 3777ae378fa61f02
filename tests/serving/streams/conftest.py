from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import tiny_airline

from noria.serving.log import LogReader, log_path
from noria.serving.model import PredictionRecord
from noria.testing.stream_suite import Consumer
from noria.workspace.workspace import Workspace

SCRIPT = Path(__file__).with_name("consume.py")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A data plane in a process of its own; no version answers there, but events are taken in."""
    root = tmp_path_factory.mktemp("plane")
    process = subprocess.Popen(
        [sys.executable, tiny_airline.__file__, str(root)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate()


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    return tmp_path / "dead" / "Departure.jsonl"


@pytest.fixture
def consume(plane: str, dead: Path) -> Iterator[Callable[..., Consumer]]:
    """Starts consumers, and ends those that are left."""
    started: list[Consumer] = []

    def start(address: str, *more: str) -> Consumer:
        started.append(Consumer(SCRIPT, address, plane, str(dead), *more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
        one.process.stdout.close()


SCORE = Path(__file__).with_name("score.py")


@pytest.fixture
def dead_requests(tmp_path: Path) -> Path:
    return tmp_path / "dead" / "lateness.jsonl"


@pytest.fixture
def score(ws: Workspace, tmp_path: Path, dead_requests: Path) -> Iterator[Callable[..., Consumer]]:
    """Starts processes that answer requests with version 1, and ends those that are left."""
    tiny_airline.add_version(ws, promoted=True)
    started: list[Consumer] = []

    def start(source: str, target: str, *more: str) -> Consumer:
        started.append(Consumer(SCORE, str(tmp_path), source, target, str(dead_requests), *more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
        one.process.stdout.close()


@pytest.fixture
def logged(ws: Workspace) -> Callable[[], Sequence[PredictionRecord]]:
    """Reads every answer that was logged."""
    return lambda: LogReader(log_path(ws)).predictions(-1)[0]
