"""Ten features over HTTP, beside Feast's own feature server: `python benchmarks/features_http.py [--quick]`.

Our data plane and `feast serve` (SQLite online store) hold the same rows and take turns on one core; the load, one
kept-alive connection, has the other. Both must give the same answer to the same question before anything is timed.
Clock: from sending to the whole answer. CPU: of the server's process tree, divided by its requests.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns

import pyarrow as pa
import pyarrow.parquet as pq
from beside import Connection, cpu_seconds, machine, pinned

from noria.testing import rivals
from noria.testing.server_process import ServerProcess, free_port

HERE = Path(__file__).parent
FEATURES = [f"Latest:v{number}" for number in range(10)]
GOALS_MS = {1: 0.8, 100: 3.0}
FEAST_PATH, OUR_PATH = "/get-online-features", "/features"


@dataclass
class Served:
    """One server asked one kind of question: milliseconds of each request, and the server's CPU seconds in all."""

    who: str
    path: str
    entities: int
    pid: int
    to: Connection
    clock: list[float] = field(default_factory=list)
    cpu: float = 0.0

    def ask(self, draw: random.Random, of: int, requests: int) -> None:
        """Send that many requests about entities below `of`, one after the other."""
        bodies = [body(self.path, [draw.randrange(of) for _ in range(self.entities)]) for _ in range(requests)]
        before = cpu_seconds(self.pid)
        for one in bodies:
            started = perf_counter_ns()
            self.to.send("POST", self.path, one)
            self.clock.append((perf_counter_ns() - started) / 1e6)
        self.cpu += cpu_seconds(self.pid) - before

    def at(self, share: float) -> float:
        """The time that so many of the requests took at most, in milliseconds."""
        return sorted(self.clock)[int(len(self.clock) * share)]

    def line(self, rival: Served | None) -> str:
        """One line of the table."""
        goal, held = "", ""
        if rival is not None:
            most = GOALS_MS[self.entities]
            goal, held = f"{most:g}", "yes" if self.at(0.5) <= most else "NO"
        each = self.cpu / len(self.clock) * 1e3
        times = f"{rival.at(0.5) / self.at(0.5):,.0f}x" if rival else ""
        figures = f"{self.at(0.5):8.2f} | {self.at(0.99):8.2f} | {each:8.2f}"
        return f"| {self.who:12} | {self.path:21} | {self.entities:8} | {figures} | {goal:4} | {held:4} | {times:5} |"


def body(path: str, entities: list[int]) -> bytes:
    """A question about entities, in the words of `path`."""
    if path == FEAST_PATH:
        return json.dumps({"features": FEATURES, "entities": {"entity": entities}}).encode()
    return json.dumps({"views": ["Latest"], "rows": [{"entity": entity} for entity in entities]}).encode()


def over_http(*, quick: bool = False) -> list[Served]:
    """Measure both doors of ours and Feast's, one and a hundred entities at a time, in turns."""
    entities, rounds, requests = (1_000, 5, 40) if quick else (10_000, 20, 200)
    rows = [{"entity": one, "at": (1_700_000_000 + one) * 1_000_000, **_values(one)} for one in range(entities)]
    with tempfile.TemporaryDirectory() as name, ours(Path(name), rows) as noria, feasts(Path(name), rows) as feast:
        same_answer(noria[0], feast[0], [7, 0, entities, entities - 1])
        found = [
            Served(who, path, number, pid, to)
            for number in (1, 100)
            for who, path, (to, pid) in (
                ("Noria", OUR_PATH, noria), ("Noria", FEAST_PATH, noria), ("feast serve", FEAST_PATH, feast)
            )
        ]  # fmt: skip
        draw = random.Random(11)
        for one in found:
            one.ask(draw, entities, 20)
            one.clock, one.cpu = [], 0.0
        for _ in range(rounds):
            for one in found:
                one.ask(draw, entities, max(10, requests // (10 if one.entities > 1 else 1)))
    return found


def same_answer(ours: Connection, theirs: Connection, entities: list[int]) -> None:
    """Fail unless both servers say the same: names, values, statuses and moments, whatever the features' order.

    Feast's SQLite store keeps whole seconds, so the rows' moments are such.
    """
    answers = []
    for server in (ours, theirs):
        said = json.loads(server.send("POST", FEAST_PATH, body(FEAST_PATH, entities)))
        answers.append(dict(zip(said["metadata"]["feature_names"], said["results"], strict=True)))
    assert answers[0] == answers[1], answers


@contextmanager
def ours(folder: Path, rows: list[dict[str, float]]) -> Iterator[tuple[Connection, int]]:
    """Our data plane with the rows in it: a connection to it, and its process."""
    root = folder / "noria"
    root.mkdir()
    command = [*pinned(), sys.executable, str(HERE / "noria_features.py"), str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        to = Connection(int(process.stdout.readline().strip().rpartition(":")[2]))
        for first in range(0, len(rows), 5_000):
            to.post("/events", source="Values", rows=rows[first : first + 5_000])
        yield to, process.pid
        to.close()
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def feasts(folder: Path, rows: list[dict[str, float]]) -> Iterator[tuple[Connection, int]]:
    """Feast's feature server with the same rows."""
    root = folder / "feast"
    root.mkdir()
    table = pa.Table.from_pylist(rows)
    pq.write_table(table.set_column(1, "at", table["at"].cast(pa.timestamp("us", tz="UTC"))), root / "rows.parquet")
    python = rivals.python("feast")
    subprocess.run([str(python), str(HERE / "feast_server.py"), str(root)], check=True, capture_output=True)
    port = free_port()
    command = [*pinned(), str(python.with_name("feast")), "--chdir", str(root), "serve", "--port", str(port)]
    command += ["--workers", "1", "--no-access-log", "--max-requests", "0"]  # it would restart after a thousand
    with ServerProcess(command, port, root / "log") as server:
        to = Connection(port)
        yield to, server.pid
        to.close()


def table(found: list[Served]) -> str:
    """What was measured, one line each; a line of ours stands beside Feast's of as many entities."""
    lines = [
        f"| {'':12} | {'':21} | {'':8} | clock, ms           | CPU, ms  |      |      |       |",
        f"| {'server':12} | {'path':21} | entities |      p50 |      p99 | each     | goal | held | Feast |",
    ]
    feast = {one.entities: one for one in found if one.who != "Noria"}
    lines += [one.line(feast[one.entities] if one.who == "Noria" else None) for one in found]
    return "\n".join(lines)


def _values(number: int) -> dict[str, float]:
    return {f"v{place}": number + place / 16 for place in range(10)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of it")
    quick = parser.parse_args().quick
    print(f"{machine()}\n\n{table(over_http(quick=quick))}")


if __name__ == "__main__":
    main()
