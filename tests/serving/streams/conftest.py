from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_airline

from noria.testing.stream_suite import Consumer

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
        started.append(Consumer(SCRIPT, address, plane, dead, *more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
        one.process.stdout.close()
