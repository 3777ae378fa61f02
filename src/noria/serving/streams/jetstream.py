"""NATS JetStream: a durable pull consumer, asked for a batch when the one before is durable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from noria.serving.streams.consuming import Handle, Subscribed, whole
from noria.serving.streams.model import Address, Event

_ACK_WAIT_S = 8.0
"""How long a message is with a reader before it is given again: after a kill, or when a pull ended as it came."""


def subscribe(address: Address, name: str, most: int, handle: Handle) -> Subscribed:
    """A broker whose messages are handled in batches of up to `most`."""
    from faststream import AckPolicy
    from faststream.nats import JStream, NatsBroker, PullSub
    from nats.js.api import AckPolicy as Acks
    from nats.js.api import ConsumerConfig, DeliverPolicy

    login = {"user": address.user, "password": address.password} if address.user else {}
    broker = NatsBroker(f"nats://{address.servers}", logger=None, apply_types=False, **login)  # type: ignore[arg-type]
    stream = name or f"nats/{address.topic}"
    subscriber = broker.subscriber(
        address.options.get("subject", ">"),
        stream=JStream(address.topic, declare=False),
        durable=address.options.get("group", "noria"),
        config=ConsumerConfig(
            ack_policy=Acks.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            max_ack_pending=4 * most,
            ack_wait=_ACK_WAIT_S,
        ),
        pull_sub=PullSub(batch_size=most, timeout=0.1, batch=True),
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        decoder=whole,
    )

    async def take(message: Any) -> None:
        await handle([_event(one, stream) for one in message.raw_message], message.ack)

    subscriber(take)
    return Subscribed(broker, publisher(broker))


def publisher(broker: Any) -> Callable[[str, Sequence[bytes]], Awaitable[None]]:
    """Publishes lines to a subject that a stream must keep: without its acknowledgement this fails."""

    async def publish(topic: str, lines: Sequence[bytes]) -> None:
        jetstream = broker._connection.jetstream()
        for line in lines:
            await jetstream.publish(topic, line)

    return publish


def _event(message: Any, stream: str) -> Event:
    """The moment of storing belongs to the id: a stream that is made anew counts from one again."""
    told = message.metadata
    return Event(stream, message.data, id=f"{told.sequence.stream}@{told.timestamp.timestamp():.6f}")
