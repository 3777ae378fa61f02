"""NATS JetStream, by a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import nats
import pytest

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


@pytest.fixture(scope="module")
def broker() -> Iterator[JetStream]:
    with NatsServer() as server:
        yield JetStream(server)


class TestJetStream(StreamSuite):
    pass
