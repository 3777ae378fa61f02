"""Online reads in process, beside Feast's SQLite store: `python benchmarks/features_online.py [--quick]`.

Both answer the same entities from the same rows, each read timed alone, on a machine that does other things too:
the medians say what a read costs, the 99th percentiles also what the machine does meanwhile. "From the file"
reads an entity's bytes and unpacks them; the states of entities read before stay in memory.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from noria.core.schema import Column
from noria.features.model import FeatureSpec, ViewSpec
from noria.features.online import OnlineFeatures
from noria.stores.online import OnlineStore
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_redis import RedisOnlineStore
from noria.testing.redis_server import RedisServer

HOUR = 3_600_000_000
COLUMNS = (Column("entity", "int"), Column("at", "time"), *(Column(f"v{number}", "float") for number in range(10)))
LATEST = ViewSpec(
    "Latest", "Values", "entity", "at",
    tuple(FeatureSpec(f"v{number}", "latest", f"v{number}", ttl=36_500 * 24 * HOUR) for number in range(10)),
    COLUMNS,
)  # fmt: skip
WINDOWS = ViewSpec(
    "Windows", "Values", "entity", "at",
    (
        *(FeatureSpec(f"count_{hours}h", "count", window=hours * HOUR, dtype="int") for hours in (1, 24, 240)),
        *(FeatureSpec(f"sum_{hours}h", "sum", "v0", window=hours * HOUR) for hours in (1, 24, 240)),
        *(FeatureSpec(f"max_{hours}h", "max", "v1", window=hours * HOUR) for hours in (1, 24, 240)),
    ),
    COLUMNS,
)  # fmt: skip


@dataclass(frozen=True)
class Read:
    """One kind of read: microseconds of each, and what they may be."""

    what: str
    taken: list[float]
    most: tuple[float, float] | None = None

    def at(self, share: float) -> float:
        return sorted(self.taken)[int(len(self.taken) * share)]

    def line(self, rival: Read | None = None) -> str:
        goal = "" if self.most is None else f"{self.most[0]:g} / {self.most[1]:g}"
        held = (
            ""
            if self.most is None
            else "yes"
            if self.at(0.5) <= self.most[0] and self.at(0.99) <= self.most[1]
            else "NO"
        )
        times = f"{rival.at(0.5) / self.at(0.5):,.0f}x" if rival else ""
        return f"| {self.what:58} | {self.at(0.5):9,.1f} | {self.at(0.99):9,.1f} | {goal:9} | {held:4} | {times:6} |"


def online(*, quick: bool = False) -> list[Read]:
    """Measure every kind of read; Feast's come last."""
    entities, reads = (1_000, 2_000) if quick else (10_000, 20_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = [
            *latest(LmdbOnlineStore(folder / "lmdb"), folder / "a", entities, reads, (30, 150)),
            *windows(LmdbOnlineStore(folder / "sparse"), folder / "b", entities, 60_000 if quick else 600_000, reads),
            *windows(LmdbOnlineStore(folder / "dense"), folder / "c", 10, 60_000 if quick else 200_000, reads),
        ]
        with RedisServer() as server:
            found += latest(RedisOnlineStore(server.url), folder / "d", entities, reads // 10, None)[1:]
        (folder / "feast").mkdir()
        return [*found, *feast(folder / "feast", entities, 100 if quick else 1_000)]


def latest(store: OnlineStore, spool: Path, entities: int, reads: int, most: tuple[float, float] | None) -> list[Read]:
    """Ten newest values of an entity: from memory, and from the store."""
    features = OnlineFeatures([LATEST], store, spool)
    values = _values(entities)
    for start in range(0, entities, 500):
        features.ingest("Values", values[start : start + 500])
    features.checkpoint()
    kind = type(store).__name__.removesuffix("OnlineStore")
    found = timed(lambda entity: features.lookup(LATEST, entity, HOUR), entities, reads)
    features.close()
    return [Read("10 newest values", found, most), Read(f"10 newest values, from {kind}", _cold(features), most)]
