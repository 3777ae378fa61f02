"""Kafka, by librdkafka's mock cluster: the real protocol, consumer groups and committed offsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from noria.testing.brokers import KafkaMock
from noria.testing.stream_suite import StreamSuite


class Kafka:
    def __init__(self, mock: KafkaMock) -> None:
        self._mock = mock

    def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            self._mock.producer.produce(topic, body)
        assert self._mock.producer.flush(20) == 0

    def address(self, topic: str) -> str:
        return f"{self._mock.url}/{topic}?group=features"


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    with KafkaMock() as mock:
        yield Kafka(mock)


class TestKafka(StreamSuite):
    pass
