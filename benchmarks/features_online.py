"""Online reads in process, beside Feast's SQLite store: `python benchmarks/features_online.py [--quick]`.

Both answer the same entities from the same rows, each read timed alone. Goals are held against the processor's time:
the clock's also tells what the machine did meanwhile. "From the store" reads an entity's bytes and unpacks them
each time; in a server the states of entities that were read before stay in memory.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.schema import Column
from noria.features.model import FeatureSpec, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.stores.online import OnlineStore
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_redis import RedisOnlineStore
from noria.testing import rivals
from noria.testing.redis_server import RedisServer

HOUR = 3_600_000_000
COLUMNS = (Column("entity", "int"), Column("at", "time"), *(Column(f"v{number}", "float") for number in range(10)))
LATEST = ViewSpec(
    "Latest", "Values", ("entity",), "at",
    tuple(FeatureSpec(f"v{number}", "latest", f"v{number}", ttl=36_500 * 24 * HOUR) for number in range(10)),
    COLUMNS,
)  # fmt: skip
WINDOWS = ViewSpec(
    "Windows", "Values", ("entity",), "at",
    (
        *(FeatureSpec(f"count_{hours}h", "count", window=hours * HOUR, dtype="int") for hours in (1, 24, 240)),
        *(FeatureSpec(f"sum_{hours}h", "sum", "v0", window=hours * HOUR) for hours in (1, 24, 240)),
        *(FeatureSpec(f"max_{hours}h", "max", "v1", window=hours * HOUR) for hours in (1, 24, 240)),
    ),
    COLUMNS,
)  # fmt: skip


@dataclass(frozen=True)
class Read:
    """One kind of read: microseconds of each on the clock and of the processor, and what the latter may be."""

    what: str
    clock: list[float]
    cpu: list[float]
    most: tuple[float, float] | None = None

    def line(self, rival: Read | None = None) -> str:
        """One line of the table."""
        half, tail = at(self.cpu, 0.5), at(self.cpu, 0.99)
        goal, held = "", ""
        if self.most is not None:
            goal = f"{self.most[0]:g} / {self.most[1]:g}"
            held = "yes" if half <= self.most[0] and tail <= self.most[1] else "NO"
        times = f"{at(rival.cpu, 0.5) / half:,.0f}x" if rival else ""
        figures = (half, tail, at(self.clock, 0.5), at(self.clock, 0.99))
        shown = " | ".join(f"{figure:8,.1f}" for figure in figures)
        return f"| {self.what:56} | {shown} | {goal:8} | {held:4} | {times:5} |"


def at(taken: list[float], share: float) -> float:
    """The time that so many of the reads took at most."""
    return sorted(taken)[int(len(taken) * share)]


def online(*, quick: bool = False) -> list[Read]:
    """Measure every kind of read; Feast's come last."""
    entities, reads = (1_000, 2_000) if quick else (10_000, 20_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = latest("LMDB", LmdbOnlineStore(folder / "lmdb"), folder, entities, reads, (30, 150))
        found += windows("1,000 entities", LmdbOnlineStore(folder / "many"), folder, 1_000, reads)
        found += windows("10 hot entities", LmdbOnlineStore(folder / "hot"), folder, 10, reads)
        with RedisServer() as server:
            found += latest("Redis", RedisOnlineStore(server.url), folder, entities, reads // 10, None)[1:]
        (folder / "feast").mkdir()
        return found + feast(folder / "feast", entities, 100 if quick else 1_000)


def latest(
    kind: str, store: OnlineStore, folder: Path, entities: int, reads: int, most: tuple[float, float] | None
) -> list[Read]:
    """Ten newest values of an entity: kept in memory, and read from the store each time."""
    features = OnlineFeatures([LATEST], store, folder / f"spool of {kind}")
    values = [{"entity": entity, "at": entity, **_values(entity)} for entity in range(entities)]
    for start in range(0, entities, 500):
        features.ingest("Values", values[start : start + 500])
    return both(features, LATEST, f"10 newest values, {kind}", entities, HOUR, reads, most)


def windows(kind: str, store: OnlineStore, folder: Path, entities: int, reads: int) -> list[Read]:
    """Three aggregates over three windows: 60,000 events in twelve days, so that every tile of hot ones is there."""
    features = OnlineFeatures([WINDOWS], store, folder / f"spool of {kind}")
    draw, gap = random.Random(entities), 12 * 24 * HOUR // 60_000
    for start in range(0, 60_000, 500):
        numbers = range(start, start + 500)
        features.ingest(
            "Values", [{"entity": draw.randrange(entities), "at": one * gap, **_values(one)} for one in numbers]
        )
    return both(features, WINDOWS, f"3 aggregates x 3 windows, {kind}", entities, 60_000 * gap, reads, (60, 250))


def both(
    features: OnlineFeatures, view: ViewSpec, what: str, entities: int, at_: int, reads: int,
    most: tuple[float, float] | None,
) -> list[Read]:  # fmt: skip
    """Reads of states in memory, and of states that are unpacked each time."""
    features.checkpoint()
    draw = random.Random(3)
    asked = [(draw.randrange(entities),) for _ in range(reads)]
    states = features._views.of(view)
    found = []
    for where in ("in memory", "from the store"):
        read = Read(f"{what}, {where}", [], [], most)
        for entity in asked:
            if where == "from the store":
                states.forget()
            started, busy = perf_counter_ns(), thread_time_ns()
            answer = features.lookup(view, entity, at_)
            read.cpu.append((thread_time_ns() - busy) / 1000)
            read.clock.append((perf_counter_ns() - started) / 1000)
            assert any(answer.values())
        found.append(read)
    features.close()
    return found


def feast(folder: Path, entities: int, reads: int) -> list[Read]:
    """Feast's reads of the same values, in its own interpreter."""
    rows = [{"entity": entity, "at": entity, **_values(entity)} for entity in range(entities)]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table.set_column(1, "at", table["at"].cast(pa.timestamp("us", tz="UTC"))), folder / "rows.parquet")
    script = Path(__file__).with_name("feast_online.py")
    command = [str(rivals.python("feast")), str(script), str(folder), str(reads)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    name = f"Feast {said['version']}, SQLite"
    return [Read(f"10 newest values, {name}", *said["one"]), Read(f"100 entities at once, {name}", *said["hundred"])]


def table(found: list[Read]) -> str:
    """What was measured, one line each."""
    feasts = next(read for read in found if "Feast" in read.what)
    lines = [
        f"| {'':56} | processor, us       | clock, us           |          |      |       |",
        f"| {'read':56} |      p50 |      p99 |      p50 |      p99 | goal     | held | Feast |",
    ]
    lines += [read.line(feasts if "10 newest" in read.what and read is not feasts else None) for read in found]
    return "\n".join(lines)


def _values(number: int) -> dict[str, float]:
    return {f"v{place}": number + place / 16 for place in range(10)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    print(table(online(quick=parser.parse_args().quick)))


if __name__ == "__main__":
    main()
