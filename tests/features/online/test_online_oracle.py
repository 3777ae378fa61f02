"""Random views over random streams: what the online store answers is what the oracle says, whatever happens to it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from noria.stores.online import OnlineStore
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_redis import RedisOnlineStore
from noria.testing.replaying import answers, differences, oracle_answers, play, play_killed
from noria.testing.streams import DAY, MINUTE, World, random_view, random_world


def lmdb(path: Path) -> OnlineStore:
    return LmdbOnlineStore(path, map_bytes=1 << 27)


def world_of(seed: int, events: int = 50, asks: int = 25) -> World:
    draw = random.Random(seed)
    start, step = draw.choice([-5 * DAY, 0, 20_000 * DAY]), draw.choice([MINUTE, 20 * MINUTE, DAY])
    return random_world(draw, random_view(draw), events, asks, start=start, step=step)


@pytest.mark.parametrize("seed", range(40))
def test_every_answer_is_the_oracles(tmp_path: Path, seed: int) -> None:
    world = world_of(seed)
    play(world, tmp_path, lmdb)
    assert differences(world.view, oracle_answers(world), answers(tmp_path)) == []


@pytest.mark.parametrize("seed", range(60, 80))
def test_history_and_stream_meet_without_a_gap(tmp_path: Path, seed: int) -> None:
    """What was known by some moment comes as a backfill, the rest as events; questions are asked after it."""
    world = world_of(seed, asks=50)
    known = [row["ingested_at"] for row in world.rows["Order"]]
    cut = known[len(known) * (seed % 10) // 10]
    world = World(world.view, world.rows, [ask for ask in world.asks if ask.at >= cut])
    play(world, tmp_path, lmdb, history=cut)
    assert differences(world.view, oracle_answers(world), answers(tmp_path)) == []


@pytest.mark.parametrize("seed", range(90, 93))
def test_killed_again_and_again_it_answers_as_if_nothing_had_been(tmp_path: Path, seed: int) -> None:
    world = world_of(seed, 150, 150)
    killed = play_killed(world, tmp_path, lmdb, kills=3, draw=random.Random(seed))
    assert killed > 0
    assert differences(world.view, oracle_answers(world), answers(tmp_path)) == []


@pytest.mark.parametrize("seed", range(94, 96))
def test_the_same_over_redis(tmp_path: Path, redis_server, seed: int) -> None:
    def store(path: Path) -> OnlineStore:
        return RedisOnlineStore(f"{redis_server.url}?prefix=replay{seed}:")

    world = world_of(seed, 100, 100)
    play_killed(world, tmp_path, store, kills=2, draw=random.Random(seed))
    assert differences(world.view, oracle_answers(world), answers(tmp_path)) == []
