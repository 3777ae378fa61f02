"""Kafka, by librdkafka's mock cluster: the real protocol, consumer groups and committed offsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka import Consumer

from noria.testing.answer_stream_suite import AnswerStreamSuite
from noria.testing.brokers import KafkaMock
from noria.testing.stream_suite import StreamSuite


class Kafka:
    def __init__(self, mock: KafkaMock) -> None:
        self._mock = mock
        self._read: dict[str, tuple[Consumer, list[tuple[str, bytes]]]] = {}

    def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            self._mock.producer.produce(topic, body)
        assert self._mock.producer.flush(20) == 0

    def address(self, topic: str) -> str:
        return f"{self._mock.url}/{topic}?group=features"

    def answers(self, topic: str) -> str:
        return f"{self._mock.url}/{topic}"

    def read(self, topic: str) -> list[tuple[str, bytes]]:
        if topic not in self._read:
            options = {"bootstrap.servers": self._mock.address, "group.id": f"reads {topic}"}
            consumer = Consumer({**options, "auto.offset.reset": "earliest", "topic.metadata.refresh.interval.ms": 200})
            consumer.subscribe([topic])
            self._read[topic] = (consumer, [])
        consumer, found = self._read[topic]
        for message in consumer.consume(2000, 0.2):
            if message.error() is None:
                found.append((message.key().decode(), message.value()))
        return found

    def close(self) -> None:
        for consumer, _ in self._read.values():
            consumer.close()


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    with KafkaMock() as mock:
        kafka = Kafka(mock)
        yield kafka
        kafka.close()


class TestKafka(StreamSuite):
    pass


class TestKafkaRequests(AnswerStreamSuite):
    pass
