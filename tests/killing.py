"""Killing a process group at a random moment, again and again, until the work it does is finished."""

import os
import random
import signal
import subprocess
from collections.abc import Callable


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
