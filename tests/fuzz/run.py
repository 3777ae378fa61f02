"""Fuzz one layer for some minutes, guided by coverage: `python tests/fuzz/run.py http|codecs|grpc|http2 MINUTES`.

Fails at the first wrong answer, whose bytes libFuzzer keeps in a file, and when memory grows by more than 64 MB after
the first tenth of the time.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris
import psutil

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["noria.serving"]):
    import fuzz_targets
    from fuzz_targets import HTTP_SEEDS, Target
    from http2_target import http2

_MOST_GROWTH_MB = 64


class Watch:
    """Counts, and holds memory against what it was after the first tenth."""

    def __init__(self, target: Target, seconds: float) -> None:
        self._target, self._seconds = target, seconds
        self._began, self._count, self._first_mb = time.monotonic(), 0, 0.0
        self._process = psutil.Process()

    def __call__(self, data: bytes) -> None:
        self._count += 1
        self._target.one(data)
        if self._count % 1000 == 0:
            self._look()

    def _look(self) -> None:
        passed = time.monotonic() - self._began
        now = self._process.memory_info().rss / 2**20
        if not self._first_mb and passed > self._seconds / 10:
            self._first_mb = now
        if self._first_mb and now > self._first_mb + _MOST_GROWTH_MB:
            raise MemoryError(f"memory grew from {self._first_mb:.0f} to {now:.0f} MB")
        if passed > self._seconds:
            print(
                f"{self._count:,} inputs in {passed:.0f} s, no wrong answer; memory {self._first_mb:.0f} MB after a "
                f"tenth of the time, {now:.0f} MB at the end",
                flush=True,
            )
            self._seconds = float("inf")


def main() -> None:
    """See above."""
    layer, minutes = sys.argv[1], float(sys.argv[2])
    with fuzz_targets.plane() as served, TemporaryDirectory() as corpus:
        made = {"http": lambda: Target(fuzz_targets.http, HTTP_SEEDS), "codecs": lambda: fuzz_targets.codecs(served),
                "grpc": lambda: fuzz_targets.grpc(served), "http2": lambda: http2(served)}  # fmt: skip
        target = made[layer]()
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        options = [f"-max_total_time={int(minutes * 60) + 5}", "-timeout=20", "-rss_limit_mb=2000", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, corpus], Watch(target, minutes * 60))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
