"""NATS JetStream, by a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import nats
import pytest

from noria.testing.answer_stream_suite import AnswerStreamSuite
from noria.testing.brokers import NatsServer
from noria.testing.stream_suite import StreamSuite


class JetStream:
    def __init__(self, server: NatsServer) -> None:
        self.server = server

    def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        asyncio.run(self._publish(topic, bodies))

    async def _publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        client = await nats.connect(self.server.url)
        jetstream = client.jetstream()
        await jetstream.add_stream(name=topic, subjects=[f"{topic}.events"])
        for body in bodies:
            await jetstream.publish(f"{topic}.events", body)
        await client.close()

    def address(self, topic: str) -> str:
        return f"{self.server.url}/{topic}?group=features"

    def answers(self, topic: str) -> str:
        asyncio.run(self._make(topic))
        return f"{self.server.url}/{topic}?subject={topic}.answers"

    async def _make(self, topic: str) -> None:
        client = await nats.connect(self.server.url)
        await client.jetstream().add_stream(name=topic, subjects=[f"{topic}.answers"])
        await client.close()

    def read(self, topic: str) -> list[tuple[str, bytes]]:
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[tuple[str, bytes]]:
        client = await nats.connect(self.server.url)
        jetstream = client.jetstream()
        count = (await jetstream.stream_info(topic)).state.messages
        reader = await jetstream.subscribe(f"{topic}.answers", ordered_consumer=True)
        messages = [await reader.next_msg(timeout=20) for _ in range(count)]
        await client.close()
        return [(one.headers["Nats-Msg-Id"], one.data) for one in messages]


@pytest.fixture(scope="module")
def broker() -> Iterator[JetStream]:
    with NatsServer() as server:
        yield JetStream(server)


class TestJetStream(StreamSuite):
    pass


class TestJetStreamRequests(AnswerStreamSuite):
    pass
