"""Fuzz one layer for some minutes, guided by coverage: `python tests/fuzz/run.py http|codecs|grpc|http2 MINUTES`.

Fails at the first wrong answer, whose bytes libFuzzer keeps in a file. Then a fresh process, without libFuzzer and its
growing memory, is given everything again that was found worth keeping, over and over, and fails when its memory grows:
a leak in Python or in C shows there.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

sys.path.insert(0, str(Path(__file__).parent))

_REPLAY_SECONDS = 60.0
_MOST_GROWTH_MB = 8.0
_MOST_BYTES_AN_INPUT = 64
"""The log's index takes 16 bytes for every answer."""


class Count:
    """Counts the inputs, and tells how many there were when the time is over."""

    def __init__(self, one: Callable[[bytes], None], seconds: float) -> None:
        self._one, self._seconds = one, seconds
        self._began, self._count = time.monotonic(), 0

    def __call__(self, data: bytes) -> None:
        self._one(data)
        self._count += 1
        if (passed := time.monotonic() - self._began) > self._seconds:
            print(
                f"{self._count:,} inputs in {passed:.0f} s, no wrong answer; {_rss():.0f} MB with libFuzzer's",
                flush=True,
            )
            self._seconds = float("inf")


def fuzz(layer: str, seconds: float, corpus: Path) -> None:
    """Until the time is over; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["noria.serving"]):
        from layers import open_target

    with open_target(layer) as target:
        for number, seed in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(seed)
        options = [f"-max_total_time={int(seconds) + 5}", "-timeout=20", "-rss_limit_mb=4000", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], Count(target.one, seconds))
        atheris.Fuzz()


def replay(layer: str, corpus: Path) -> None:
    """Everything that was kept, again and again, while memory stays what it is. Raises MemoryError."""
    from layers import open_target

    inputs = [path.read_bytes() for path in sorted(corpus.iterdir())]
    with open_target(layer) as target:
        began, count, first = time.monotonic(), 0, (0, 0.0)
        for data in itertools.cycle(inputs):
            target.one(data)
            count += 1
            if count % 100:
                continue
            passed = time.monotonic() - began
            if not first[0] and passed > _REPLAY_SECONDS / 4:
                first = (count, _rss())
            if passed > _REPLAY_SECONDS:
                break
        more, grown = count - first[0], _rss() - first[1]
        print(
            f"{len(inputs):,} kept inputs again: {more:,} more of them after warming up took {grown:.1f} MB", flush=True
        )
        if grown > max(_MOST_GROWTH_MB, more * _MOST_BYTES_AN_INPUT / 2**20):
            raise MemoryError(f"memory grew by {grown:.1f} MB over {more:,} inputs")


def _rss() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)


def main() -> None:
    """See above."""
    if sys.argv[1] == "fuzz":
        fuzz(sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]))
    elif sys.argv[1] == "replay":
        replay(sys.argv[2], Path(sys.argv[3]))
    else:
        layer, minutes = sys.argv[1], float(sys.argv[2])
        print(layer, flush=True)
        with TemporaryDirectory() as corpus:
            subprocess.run([sys.executable, __file__, "fuzz", layer, str(minutes * 60), corpus], check=True)
            subprocess.run([sys.executable, __file__, "replay", layer, corpus], check=True)


if __name__ == "__main__":
    main()
