"""RabbitMQ, by a real rabbitmq-server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import aio_pika
import pytest

from noria.testing.answer_stream_suite import AnswerStreamSuite
from noria.testing.brokers import RabbitServer
from noria.testing.stream_suite import StreamSuite


class Rabbit:
    def __init__(self, server: RabbitServer) -> None:
        self.server = server
        self._number = 0
        self._taken: dict[str, list[tuple[str, bytes]]] = {}

    def publish(self, topic: str, bodies: Sequence[bytes], *, named: bool = True) -> None:
        asyncio.run(self._publish(topic, bodies, named))

    async def _publish(self, topic: str, bodies: Sequence[bytes], named: bool) -> None:
        async with await aio_pika.connect(f"{self.server.url}/") as connection:
            channel = await connection.channel()
            await channel.declare_queue(topic, durable=True)
            for body in bodies:
                self._number += 1
                name = f"m{self._number}" if named else None
                await channel.default_exchange.publish(aio_pika.Message(body, message_id=name), routing_key=topic)

    def address(self, topic: str) -> str:
        return f"{self.server.url}/{topic}"

    def answers(self, topic: str) -> str:
        asyncio.run(self._declare(topic))
        return self.address(topic)

    async def _declare(self, topic: str) -> None:
        async with await aio_pika.connect(f"{self.server.url}/") as connection:
            await (await connection.channel()).declare_queue(topic, durable=True)

    def read(self, topic: str) -> list[tuple[str, bytes]]:
        asyncio.run(self._take(topic))
        return self._taken.get(topic, [])

    async def _take(self, topic: str) -> None:
        async with await aio_pika.connect(f"{self.server.url}/") as connection:
            queue = await (await connection.channel()).declare_queue(topic, durable=True)
            while (message := await queue.get(no_ack=True, fail=False)) is not None:
                self._taken.setdefault(topic, []).append((message.message_id, message.body))


@pytest.fixture(scope="module")
def broker() -> Iterator[Rabbit]:
    with RabbitServer() as server:
        yield Rabbit(server)


class TestRabbit(StreamSuite):
    pass


class TestRabbitRequests(AnswerStreamSuite):
    pass
