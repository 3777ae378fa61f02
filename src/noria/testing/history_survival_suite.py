"""Metric histories under many writers, sealers and `kill -9`: subclass and give the fixture `database`."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from noria.testing.history_oracle import EXPERIMENT, HistoryFixtures, Logged, curve, row_of, rows_of
from noria.tracking import history
from noria.tracking.model import Point
from noria.workspace.workspace import Workspace

WRITER = """
import sys, threading
from pathlib import Path
from noria.testing.workspace import make_workspace
from noria.tracking import history
from noria.tracking.series import sealing
sealing.CHUNK, sealing.FEWEST = 32, 2
url, root, id, key, experiment, first, batches = sys.argv[1:]
ws = make_workspace(Path(root), database=url)
def seal():
    while True:
        history.seal(ws, id)
for _ in range(2):
    threading.Thread(target=seal, daemon=True).start()
for batch in range(int(first), int(batches)):
    numbers = range(max(25 * batch - 10, 0), 25 * batch + 25)
    values, ats = [number / 7 for number in numbers], [1000 + number for number in numbers]
    with ws.database.transaction() as connection:
        history.append_raw(ws, connection, int(key), int(experiment), ["loss"] * len(ats), values, ats, numbers)
    print(batch + 1, flush=True)
"""
"""A process that appends 25 points at a time, ten of the last ones once more, and tells how many batches were
committed; two of its threads seal all the while.
"""


class HistorySurvivalSuite(HistoryFixtures):
    """A subclass gives the fixture `database`: an open `Database` that nobody has used before."""

    def test_many_writers_bring_the_same_new_names_at_once(self, ws: Workspace) -> None:
        names = [f"metric {number}" for number in range(40)]
        writers = [self.new_run(ws) for _ in range(4)]
        ready = threading.Barrier(len(writers))

        def write(run: Logged) -> None:
            ready.wait(30)
            for start in range(0, 40, 8):
                some = names[start : start + 8]
                run.log(*(Point(name, 1.0, 1) for name in (some if run.key % 2 else reversed(some))))

        with ThreadPoolExecutor(len(writers)) as pool:
            list(pool.map(write, writers))
        assert [history.names(ws, run.id) for run in writers] == [sorted(names)] * 4

    def test_many_writers_of_one_run_lose_and_double_nothing(self, run: Logged) -> None:
        shares = [[*curve(100, "loss", 50 * number), *curve(20, f"m{number % 2}")] for number in range(4)]

        def write(share: list[Point]) -> None:
            for start in range(0, len(share), 10):
                run.log(*share[start : start + 10])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, shares))
        assert run.pages("loss", limit=33) == run.by_time("loss")
        assert run.stored()[0] == 250 + 40
        assert run.latest() == {name: run.by_step(name)[-1] for name in ("loss", "m0", "m1")}

    def test_sealing_while_others_append_and_read(self, run: Logged, small_chunks: None) -> None:
        stop = threading.Event()

        def seal() -> None:
            while not stop.is_set():
                history.seal(run.ws, run.id)

        with ThreadPoolExecutor(2) as pool:
            sealers = [pool.submit(seal) for _ in range(2)]
            try:
                for start in range(0, 600, 30):
                    run.log(*curve(40, start=start))  # ten of them again next time
                    assert rows_of(history.whole(run.ws, run.id, "loss")) == run.by_time()
            finally:
                stop.set()
            for sealer in sealers:
                sealer.result()
        assert run.pages(limit=100) == run.by_time()

    def test_killed_at_any_moment_it_loses_and_doubles_no_point(self, ws: Workspace, run: Logged) -> None:
        chance, batches, acknowledged, kills = random.Random(ws.database.is_sqlite), 120, 0, 0
        while acknowledged < batches:
            command = [sys.executable, "-c", WRITER, ws.database.url.render_as_string(hide_password=False)]
            command += [str(ws.root), run.id, *map(str, (run.key, EXPERIMENT, acknowledged, batches))]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
                assert writer.stdout is not None
                patience = chance.randint(1, 12) if kills < 12 else batches
                told = [line for _, line in zip(range(patience), writer.stdout, strict=False)]
                if kills < 12:
                    writer.kill()
                    kills += 1
                told += list(writer.stdout)
            acknowledged = max([acknowledged, *(int(line) for line in told if line.endswith("\n"))])
        assert kills == 12
        sent = [Point("loss", number / 7, 1000 + number, number) for number in range(25 * batches)]
        assert run.pages(limit=1000) == [row_of(one) for one in sent]
        history.seal(ws, run.id, force=True)
        rows, packed = run.stored()
        assert packed > 0
        assert rows_of(history.whole(ws, run.id, "loss")) == [row_of(one) for one in sent]
        assert (rows + packed, run.latest()["loss"]) == (len(sent), row_of(sent[-1]))
