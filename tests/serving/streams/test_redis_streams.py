"""Redis streams, by a real redis-server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from noria.testing.answer_stream_suite import AnswerStreamSuite
from noria.testing.redis_server import RedisServer
from noria.testing.stream_suite import MOMENT, Consumer, StreamSuite, wait_for


class Redis:
    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.client = server.client()

    def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        pipeline = self.client.pipeline()
        for body in bodies:
            pipeline.xadd(topic, {"data": body})
        pipeline.execute()

    def address(self, topic: str) -> str:
        return f"redis://127.0.0.1:{self.server.port}/{topic}?group=features&idle_ms=500"

    def answers(self, topic: str) -> str:
        return f"redis://127.0.0.1:{self.server.port}/{topic}"

    def read(self, topic: str) -> list[tuple[str, bytes]]:
        return [(fields[b"key"].decode(), fields[b"data"]) for _, fields in self.client.xrange(topic)]


@pytest.fixture(scope="module")
def broker() -> Iterator[Redis]:
    with RedisServer() as server:
        redis = Redis(server)
        yield redis
        redis.client.close()


class TestRedis(StreamSuite):
    def test_columns_may_be_fields(self, broker: Redis, consume: Callable[..., Consumer], plane: str) -> None:
        broker.client.xadd("fields", {"origin": "FLD", "left_at": MOMENT, "delay": "12.5"})
        consumer = consume(broker.address("fields")).ready()
        wait_for(plane, "FLD", 1)
        consumer.stop()


class TestRedisRequests(AnswerStreamSuite):
    pass
