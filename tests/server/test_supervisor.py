"""Children are kept alive; one with a rest leaves the processor to whoever takes its place."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from noria.server.supervisor import Child, Supervisor


@pytest.fixture
def started(tmp_path: Path) -> Iterator[object]:
    """Keeps children alive that note their process ids; gives what reads them, waiting for as many as asked."""
    stop = threading.Event()
    names = {"hasty": 0.0, "resting": 1.0}
    children = [
        Child(name, ["sh", "-c", f"echo $$ >> {tmp_path / name}; exec sleep 100"], rest=rest)
        for name, rest in names.items()
    ]
    thread = threading.Thread(target=Supervisor(children).run, args=(stop,))
    thread.start()

    def ids(name: str, count: int) -> list[int]:
        file, end = tmp_path / name, time.monotonic() + 20
        while time.monotonic() < end:
            found = file.read_text().split() if file.exists() else []
            if len(found) >= count:
                return list(map(int, found))
            time.sleep(0.01)
        raise AssertionError(f"{name} was not started {count} times")

    yield ids
    stop.set()
    thread.join()


def test_what_dies_is_started_again_after_its_rest(started) -> None:
    first = {name: started(name, 1)[0] for name in ("hasty", "resting")}
    time.sleep(1.1)  # whoever dies at once is not started again at once
    killed = time.monotonic()
    for pid in first.values():
        os.kill(pid, signal.SIGKILL)
    taken = {}
    for name in ("hasty", "resting"):
        assert started(name, 2)[1] != first[name]
        taken[name] = time.monotonic() - killed
    assert taken["resting"] >= 1.0
    assert taken["hasty"] < taken["resting"]
