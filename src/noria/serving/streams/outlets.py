"""Where answers go: each under its key, durable with the broker when `publish` returns.

Kafka has the key as the message's key (a compacted topic keeps one answer a key), JetStream as `Nats-Msg-Id`, by
which it drops what it has within its window, RabbitMQ as `message_id`, Redis as the entry's field `key`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from noria.serving.streams.model import Address, StreamFailed

Answer = tuple[str, bytes]
_PATIENCE_S = 10.0


class Outlet(Protocol):
    """A topic, stream, subject or queue that takes answers."""

    address: Address

    async def open(self) -> None:
        """Connect. Raises whatever the broker's client does."""
        ...

    async def publish(self, answers: Sequence[Answer]) -> None:
        """Give answers with their keys; one that is given again is the same again."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class KafkaOutlet:
    """A Kafka topic, by an idempotent producer that waits for every replica in sync."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._producer: Any = None

    async def open(self) -> None:
        from confluent_kafka import Producer

        self._producer = Producer(
            {
                "bootstrap.servers": self.address.servers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "delivery.timeout.ms": int(_PATIENCE_S * 1000),
            }
        )
        await asyncio.to_thread(self._producer.list_topics, timeout=_PATIENCE_S)

    async def publish(self, answers: Sequence[Answer]) -> None:
        await asyncio.to_thread(self._publish, answers)

    def _publish(self, answers: Sequence[Answer]) -> None:
        faults: list[Any] = []

        def told(error: Any, _message: Any) -> None:
            if error is not None:
                faults.append(error)

        for key, body in answers:
            self._producer.produce(self.address.topic, body, key.encode(), on_delivery=told)
        left = self._producer.flush(2 * _PATIENCE_S)
        if faults or left:
            raise StreamFailed(f"{len(faults) + left} answers were not taken: {faults[0] if faults else 'no answer'}")

    async def close(self) -> None:
        await asyncio.to_thread(self._producer.flush, _PATIENCE_S)


class RedisOutlet:
    """A Redis stream; entries have fields `key` and `data`."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: Any = None

    async def open(self) -> None:
        from redis.asyncio import Redis

        one = self.address
        credentials = f"{quote(one.user, safe='')}:{quote(one.password, safe='')}@" if one.password else ""
        self._client = Redis.from_url(f"redis://{credentials}{one.servers}/{one.options.get('db', '0')}")
        await self._client.ping()

    async def publish(self, answers: Sequence[Answer]) -> None:
        async with self._client.pipeline(transaction=True) as pipeline:
            for key, body in answers:
                pipeline.xadd(self.address.topic, {"key": key, "data": body})
            await pipeline.execute()

    async def close(self) -> None:
        await self._client.aclose()


class JetStreamOutlet:
    """A subject that a JetStream stream keeps: option `subject`, or else the stream's own name."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: Any = None

    async def open(self) -> None:
        import nats

        login = {"user": self.address.user, "password": self.address.password} if self.address.user else {}
        self._client = await nats.connect(f"nats://{self.address.servers}", **login)

    async def publish(self, answers: Sequence[Answer]) -> None:
        jetstream = self._client.jetstream()
        subject = self.address.options.get("subject", self.address.topic)
        for first in range(0, len(answers), 200):  # in their order, and many on their way at a time
            some = answers[first : first + 200]
            await asyncio.gather(
                *(jetstream.publish(subject, body, headers={"Nats-Msg-Id": key}) for key, body in some)
            )

    async def close(self) -> None:
        await self._client.close()


class RabbitOutlet:
    """A RabbitMQ queue: persistent messages, each confirmed."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connection: Any = None
        self._channel: Any = None

    async def open(self) -> None:
        import aio_pika

        one = self.address
        login = f"{quote(one.user or 'guest', safe='')}:{quote(one.password or 'guest', safe='')}"
        vhost = quote(one.options.get("vhost", "/"), safe="")
        self._connection = await aio_pika.connect_robust(f"amqp://{login}@{one.servers}/{vhost}")
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)

    async def publish(self, answers: Sequence[Answer]) -> None:
        import aio_pika

        exchange = self._channel.default_exchange
        messages = [
            aio_pika.Message(
                body, message_id=key, content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT
            )
            for key, body in answers
        ]
        await asyncio.gather(
            *(exchange.publish(one, self.address.topic, mandatory=True, timeout=_PATIENCE_S) for one in messages)
        )

    async def close(self) -> None:
        await self._connection.close()


_KINDS: Mapping[str, Callable[[Address], Outlet]] = {
    "kafka": KafkaOutlet, "redis": RedisOutlet, "nats": JetStreamOutlet, "amqp": RabbitOutlet
}  # fmt: skip


def outlet(address: Address) -> Outlet:
    """The outlet for an address; it is not connected yet."""
    return _KINDS[address.kind](address)
