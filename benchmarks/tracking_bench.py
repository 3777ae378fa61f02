"""The two sides of the tracking benchmark, how they are measured, and what the lines of its table are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from beside import Connection, Figure, cpu_seconds

from noria.testing.server_process import ServerProcess

ENOUGH_CPU_S = 0.5
"""A cheap request is repeated until it has cost this much, so that ticks of 10 ms do not matter."""


@dataclass(frozen=True)
class Size:
    """How much is done: all of it, or a quick look."""

    rounds: int = 5
    small: int = 10_000
    large: int = 100_000
    history: int = 1_000_000
    writers_s: float = 60
    patience_s: float = 120


QUICK = Size(rounds=2, small=1_000, large=5_000, history=50_000, writers_s=5, patience_s=20)


@dataclass
class Side:
    """One of the two: its server while it runs, and how to start it on a folder."""

    name: str
    begin: Callable[..., ServerProcess]
    server: ServerProcess | None = None
    connection: Connection | None = None

    def up(self, folder: Path, **options: object) -> None:
        self.server = self.begin(folder / self.name, **options)
        self.server.start()
        self.connection = Connection(self.server.port)

    def down(self) -> None:
        if self.server is not None:
            self.server.stop()
        self.server = self.connection = None

    @property
    def http(self) -> Connection:
        assert self.connection is not None
        return self.connection

    def cpu(self, act: Callable[[], object], at_most: int = 1000) -> float:
        """CPU seconds of one `act`, averaged over as many as cost enough.

        The clock is read after 1, 2, 4, … of them: reading it takes longer than a small one, and a server that is
        left to sleep between any two costs more than one that works.
        """
        assert self.server is not None
        done, before, spent = 0, cpu_seconds(self.server.pid), 0.0
        while done < at_most and spent < ENOUGH_CPU_S:
            for _ in range(max(done, 1)):
                act()
            done += max(done, 1)
            spent = cpu_seconds(self.server.pid) - before
        return spent / done


@dataclass(frozen=True)
class Line:
    """A line of the table. `more_is_better` for rates; `goal` bounds our figure."""

    name: str
    label: str
    unit: str
    goal: float
    more_is_better: bool = False
    digits: str = ",.1f"


LINES = [
    Line("log-batch", "log-batch of 1,000 metrics", "points per CPU-s", 120_000, more_is_better=True, digits=",.0f"),
    Line("log-metric", "log-metric", "CPU ms", 0.8, digits=",.2f"),
    Line("top-small", "top 100 by a metric of 10k runs", "CPU ms", 20),
    Line("top-large", "top 100 by a metric of 100k runs", "CPU ms", 30),
    Line("newest", "newest 100 of 100k runs", "CPU ms", 20),
    Line("deep", "100 runs at offset 90k of 100k", "CPU ms", 20),
    Line("history", "25,000 points of a 1M-point history", "CPU ms", 80),
    Line("overview", "320 points of a 1M-point history", "CPU ms", 10),
    Line("disk", "a point on disk, sealed", "bytes", 12),
    Line("start", "start to /health", "CPU s", 1.2, digits=",.2f"),
    Line("memory", "memory, idle (RSS)", "MB", 110, digits=",.0f"),
    Line("processes", "processes", "", 1, digits=",.0f"),
    Line("writers-sqlite", "8 writers, SQLite: errors", "", 0, digits=",.0f"),
    Line("writers-postgresql", "8 writers, PostgreSQL: errors", "", 0, digits=",.0f"),
]


@dataclass
class Bench:
    """What is measured and what was found: line -> side -> figure."""

    size: Size
    only: Sequence[str]
    folder: Path
    sides: tuple[Side, Side]
    found: dict[str, dict[str, Figure]] = field(default_factory=dict)

    def wants(self, *names: str) -> bool:
        return any(name in self.only for name in names) or not self.only

    def keep(self, name: str, side: Side, values: Sequence[float], note: str = "") -> None:
        self.found.setdefault(name, {})[side.name] = Figure(tuple(values), note)
        print(f"  {name:<20} {side.name:<8} {self.found[name][side.name].text(line_named(name).digits)}", flush=True)

    def in_turn(
        self, name: str, acts: dict[str, Callable[[], object]], worth: Callable[[float], float], once: str = ""
    ) -> None:
        """Measure both in turn, round by round; the side named by `once` in the first round only."""
        seen: dict[str, list[float]] = {side.name: [] for side in self.sides}
        for side in self.sides:
            acts[side.name]()  # warm
        for number in range(self.size.rounds):
            for side in self.sides:
                if number == 0 or side.name != once:
                    seen[side.name].append(worth(side.cpu(acts[side.name])))
        for side in self.sides:
            self.keep(name, side, seen[side.name])

    @contextmanager
    def servers(self, folder: str, **options: object) -> Iterator[None]:
        """Both up, on what is in a folder."""
        try:
            for side in self.sides:
                side.up(self.folder / folder, **options)
            yield
        finally:
            for side in self.sides:
                side.down()


def line_named(name: str) -> Line:
    return next(line for line in LINES if line.name == name)
