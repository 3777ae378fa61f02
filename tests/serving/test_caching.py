"""Remembered answers: which key, how long, how many, one flight for all, and Redis that comes and goes."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.core.errors import BadInput
from noria.serving.batching import Lane
from noria.serving.caching import PredictionCache
from noria.serving.lineup import Loaded
from noria.serving.model import CacheRules, LaneRules
from noria.serving.pace import Pace
from noria.serving.scoring import score_later, score_row
from noria.serving.shared_cache import RedisAnswers

DIGEST = "ab" * 32


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_answers_grow_old_and_the_longest_unused_give_way() -> None:
    clock = Clock()
    cache = PredictionCache(CacheRules(ttl=10, size=2), DIGEST, ["x"], clock=clock)
    one, two, three = (cache.key({"x": n}) for n in (1, 2, 3))
    cache.put(one, 0.1)
    cache.put(two, 0.2)
    assert cache.get(one) == 0.1
    cache.put(three, 0.3)
    assert (cache.get(one), cache.get(two), cache.get(three)) == (0.1, None, 0.3)
    clock.now = 10.5
    assert cache.get(one) is None
    assert len(cache) == 1


values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)


@given(st.lists(values, min_size=2, max_size=2), st.lists(values, min_size=2, max_size=2))
def test_a_key_tells_rows_apart_and_knows_the_same_again(one, other) -> None:
    cache = PredictionCache(CacheRules(ttl=1), DIGEST, ["a", "b"])
    first, second = ({"b": row[1], "a": row[0], "unused": object()} for row in (one, other))
    same = [(type(value), value) for value in one] == [(type(value), value) for value in other]
    if same and str(one) == str(other):
        assert cache.key(first) == cache.key(second)
    elif not same:
        assert cache.key(first) != cache.key(second)
    assert cache.key(first) != PredictionCache(CacheRules(ttl=1), "cd" * 32, ["a", "b"]).key(first)


@pytest.mark.parametrize("value", [2**64, "\ud800"])
def test_what_no_model_takes_has_no_key(value) -> None:
    with pytest.raises(BadInput, match="does not fit"):
        PredictionCache(CacheRules(ttl=1), DIGEST, ["x"]).key({"x": value})


class Doubler:
    """Doubles `x`, once its gate is open; counts what it is asked."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked: list[float] = []

    def predict(self, values):
        self.gate.wait(9)
        self.asked += values["x"]
        return 2 * np.array(values["x"], dtype=float)

    def predict_row(self, row) -> float:
        self.asked.append(row["x"])
        return 2.0 * row["x"]


@pytest.fixture
def model() -> Doubler:
    return Doubler()


def loaded(model: Doubler, *, inline: bool, shared: RedisAnswers | None = None) -> Loaded:
    cache = PredictionCache(CacheRules(ttl=60), DIGEST, ["x"], shared=shared)
    lane = Lane("m", model.predict, ["x"], LaneRules())
    return Loaded("m", 1, None, None, model, Pace(inline=inline), lane, cache)


def test_an_inline_model_is_asked_once(model: Doubler) -> None:
    version = loaded(model, inline=True)
    assert [score_row(version, {"x": 2.0}) for _ in range(3)] == [4, 4, 4]
    assert model.asked == [2]


def test_who_asks_the_same_meanwhile_joins_the_flight(model: Doubler) -> None:
    version = loaded(model, inline=False)

    async def three() -> list[list[float]]:
        asked = [asyncio.ensure_future(score_later(version, [{"x": 1.0}, {"x": float(n)}])) for n in (2, 2, 3)]
        gone = asyncio.ensure_future(score_later(version, [{"x": 4.0}]))
        late = asyncio.ensure_future(score_later(version, [{"x": 4.0}]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.cancel()  # who began the flight hangs up: those who joined still land
        model.gate.set()
        assert await late == [8]
        return await asyncio.gather(*asked)

    assert asyncio.run(three()) == [[2, 4], [2, 4], [2, 6]]
    assert sorted(model.asked) == [1, 2, 3, 4]
    assert version.cache.flights == {}
    version.close()


def test_a_flight_that_fails_fails_for_all_and_is_not_remembered(model: Doubler) -> None:
    version = loaded(model, inline=False)
    model.gate.set()

    async def ask(x: object) -> list[float]:
        return await score_later(version, [{"x": x}])

    async def both() -> list[object]:
        return await asyncio.gather(ask("no number"), ask("no number"), return_exceptions=True)

    assert all(isinstance(one, Exception) for one in asyncio.run(both()))
    assert asyncio.run(ask(5.0)) == [10]
    assert version.cache.flights == {}
    version.close()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in server.stdout:
        if "Ready to accept connections" in line:
            break
    yield f"redis://127.0.0.1:{port}/0", server
    server.kill()
    server.wait()
    server.stdout.close()


def test_servers_share_answers_in_redis_and_outlive_it(redis_server, model: Doubler) -> None:
    url, server = redis_server
    one, other = (loaded(model, inline=inline, shared=RedisAnswers(url, 60)) for inline in (True, False))
    model.gate.set()
    assert one.waits

    async def ask(version: Loaded, *values: float) -> list[float]:
        found = await score_later(version, [{"x": value} for value in values])
        await asyncio.gather(*version.cache.tasks)
        return found

    assert asyncio.run(ask(one, 1.0, 2.0)) == [2, 4]
    assert asyncio.run(ask(other, 2.0, 1.0)) == [4, 2]
    assert model.asked == [1, 2]
    server.kill()
    server.wait()
    assert asyncio.run(ask(other, 1.0, 3.0)) == [2, 6]
    assert asyncio.run(ask(one, 4.0)) == [8]
    assert model.asked == [1, 2, 3, 4]
    one.close()
    other.close()
