"""Replay of online reads over random streams, each compared with the backfill: `python benchmarks/replay_reads.py`.

    --reads 1000000   how many reads (an answer of every feature of a view counts as one)
    --seed 1          which worlds
    --redis           the store is a Redis server instead of LMDB
    --flights 100000  so many real flights of 2013 instead, each asked for when it was about to leave

Every world is a random view (a dozen features of any kind, compound keys, joins, retractions) and a random stream:
one row in ten late, one in twenty twice, some taken back, ties, hot keys, clocks that lag. The process that keeps
the store is killed with SIGKILL in the middle and goes on from what it had acknowledged. Half of the worlds begin
with a backfill that the stream goes on from. Whole numbers, texts, truth values and nulls must be equal, doubles
to 1e-9 of themselves. Small worlds are held against the oracle too.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from noria.core.clock import parse_moment
from noria.stores.online import OnlineStore
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_redis import RedisOnlineStore
from noria.testing.redis_server import RedisServer
from noria.testing.replaying import answers, differences, offline_answers, oracle_answers, play_killed
from noria.testing.streams import DAY, HOUR, MINUTE, World, random_view, random_world
from noria.testing.workspace import make_workspace

OpenStore = Callable[[Path], OnlineStore]
LARGE, SMALL = (20_000, 50_000), (60, 60)
"""Events and reads of a world that is held against the backfill, and of one that the oracle answers too."""


@dataclass
class Found:
    """What a replay has found so far."""

    worlds: int = 0
    reads: int = 0
    values: int = 0
    kills: int = 0
    wrong: list[str] = field(default_factory=list)
    online: float = 0.0
    offline: float = 0.0

    def line(self) -> str:
        """In a line."""
        return (
            f"{self.worlds} worlds, {self.reads:,} reads, {self.values:,} values, {self.kills} kills: "
            f"{len(self.wrong)} mismatches; online {self.online:,.0f} s, offline {self.offline:,.0f} s"
        )


def replay(
    reads: int, seed: int, store: OpenStore, folder: Path, *, sizes: tuple[int, int] = LARGE,
    tell: Callable[[str], None] = print,
) -> Found:  # fmt: skip
    """Replay worlds of `sizes` events and reads until there are so many reads."""
    found, number = Found(), 0
    while found.reads < reads:
        draw = random.Random(f"{seed} {number}")
        small = number % 4 == 3
        events, asks = SMALL if small else sizes
        if not small and reads - found.reads < asks:
            events, asks = max(50, events * (reads - found.reads) // asks), reads - found.reads
        one(found, draw, events, asks, store, folder / str(number), oracle=small)
        tell(found.line())
        number += 1
    return found


def one(
    found: Found, draw: random.Random, events: int, asks: int, store: OpenStore, folder: Path, *, oracle: bool
) -> None:
    """Replay one world."""
    view = random_view(draw)
    step = draw.choice([MINUTE // 2, 5 * MINUTE, HOUR]) if events > 1000 else draw.choice([MINUTE, HOUR, DAY])
    world = random_world(draw, view, events, asks, start=draw.choice([-5 * DAY, 0, 20_000 * DAY]), step=step)
    cut = None
    if draw.random() < 0.5:
        known = [row["ingested_at"] for row in world.rows["Order"]]
        cut = known[draw.randrange(len(known) // 2)]
        world = World(view, world.rows, [ask for ask in world.asks if ask.at >= cut])
    folder.mkdir(parents=True)
    started = perf_counter()
    found.kills += play_killed(world, folder, store, kills=draw.randrange(1, 4), draw=draw, history=cut)
    found.online += perf_counter() - started
    started = perf_counter()
    ws = make_workspace(folder / "ws")
    got = answers(folder)
    said = [("offline", offline_answers(ws, world)), *([("the oracle", oracle_answers(world))] if oracle else [])]
    ws.close()
    found.offline += perf_counter() - started
    for who, expected in said:
        found.wrong += [f"world {folder.name}, {who}: {line}" for line in differences(view, expected, got)]
    found.worlds += 1
    found.reads += len(got)
    found.values += len(got) * len(view.features)


def shared(url: str) -> OpenStore:
    """Stores on a Redis server, one for each world."""
    return lambda path: RedisOnlineStore(f"{url}?prefix={path.parent.name}:")


def flights(asks: int, folder: Path) -> Found:
    """Replay a year's real departures, arrivals and weather, and ask for flights from February on."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "features"))
    import test_replay_flights as real

    started = perf_counter()
    ws = make_workspace(folder / "ws")
    year = real.tables_of(folder, list(range(1, 13)))
    expected, answered = real.both(ws, folder, year, parse_moment("2013-02-01T05:00"), asks)
    ws.close()
    wrong = real.differences(expected, answered)
    seconds = perf_counter() - started
    return Found(1, len(answered), len(answered) * expected.num_columns, 0, wrong, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--flights", type=int, default=0)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(RedisServer()) if asked.redis else None
        if asked.flights:
            found = flights(asked.flights, folder)
            print(found.line())
        else:
            found = replay(asked.reads, asked.seed, shared(server.url) if server else LmdbOnlineStore, folder)
    for line in found.wrong[:20]:
        print(line)
    raise SystemExit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
