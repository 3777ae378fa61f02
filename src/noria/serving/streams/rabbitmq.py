"""RabbitMQ queues. Messages have no position there: the publisher's `message_id` names them, or a column does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from noria.serving.streams.consuming import Handle, Subscribed, whole
from noria.serving.streams.gathering import Gathering
from noria.serving.streams.model import Address, Event


def subscribe(address: Address, name: str, most: int, handle: Handle) -> Subscribed:
    """A broker that has up to `most` messages on their way; those that wait together go together."""
    from faststream import AckPolicy
    from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

    login = f"{quote(address.user or 'guest', safe='')}:{quote(address.password or 'guest', safe='')}"
    vhost = quote(address.options.get("vhost", "/"), safe="")
    broker = RabbitBroker(f"amqp://{login}@{address.servers}/{vhost}", logger=None, apply_types=False)
    subscriber = broker.subscriber(
        RabbitQueue(address.topic, declare=False),
        channel=Channel(prefetch_count=most),
        ack_policy=AckPolicy.MANUAL,
        decoder=whole,
    )
    stream = name or f"amqp/{address.topic}"
    gathering = Gathering(handle, most)

    async def take(message: Any) -> None:
        raw = message.raw_message
        await gathering.take(Event(stream, raw.body, id=raw.message_id or ""), message.ack)

    subscriber(take)
    return Subscribed(broker, publisher(broker))


def publisher(broker: Any) -> Callable[[str, Sequence[bytes]], Awaitable[None]]:
    """Publishes lines to a queue, kept on disk and confirmed."""

    async def publish(topic: str, lines: Sequence[bytes]) -> None:
        for line in lines:
            await broker.publish(line, queue=topic, persist=True, mandatory=True)

    return publish
