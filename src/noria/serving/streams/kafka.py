"""Kafka topics. Batches come one after the other, so that a commit never covers what is not durable yet.

A partition's offset is the position: whoever has the partition sends its messages in order, so what lies before
the position was taken in, whatever the committed offset says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from noria.serving.streams.consuming import Handle, Subscribed, whole
from noria.serving.streams.model import Address, Event

if TYPE_CHECKING:
    from confluent_kafka import Message as KafkaRecord


def subscribe(address: Address, name: str, most: int, handle: Handle) -> Subscribed:
    """A broker whose messages are handled in batches of up to `most`."""
    from faststream import AckPolicy
    from faststream.confluent import KafkaBroker

    broker = KafkaBroker(  # a reader makes no topics: asking for that takes a minute where it is not allowed
        address.servers, logger=None, apply_types=False, allow_auto_create_topics=False
    )
    subscriber = broker.subscriber(
        address.topic,
        group_id=address.options.get("group", "noria"),
        session_timeout_ms=6_000,  # the least that brokers allow: a reader that was killed is replaced after it
        heartbeat_interval_ms=2_000,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        batch=True,
        max_records=most,
        polling_interval=0.05,
        no_reply=True,
        parser=_parsed,
        decoder=whole,
    )

    async def take(message: Any) -> None:
        await handle([_event(one, name) for one in message.raw_message], message.ack)

    subscriber(take)
    return Subscribed(broker, publisher(broker))


def publisher(broker: Any) -> Callable[[str, Sequence[bytes]], Awaitable[None]]:
    """Publishes lines to a topic, each durable with the broker on return."""

    async def publish(topic: str, lines: Sequence[bytes]) -> None:
        for line in lines:
            await broker.publish(line, topic=topic, headers={"content-type": "application/json"})

    return publish


class _Headless:
    """A record without headers: FastStream wants them to be text, which nobody promised."""

    def __init__(self, record: KafkaRecord) -> None:
        self._record = record

    def headers(self) -> tuple[()]:
        return ()

    def value(self) -> bytes:
        return b""

    def offset(self) -> int | None:
        return self._record.offset()

    def timestamp(self) -> tuple[int, int]:
        return self._record.timestamp()


async def _parsed(records: Sequence[KafkaRecord], original: Callable[..., Awaitable[Any]]) -> Any:
    message = await original(tuple(_Headless(record) for record in records))
    message.raw_message = records
    return message


def _event(record: KafkaRecord, name: str) -> Event:
    stream = f"{name or f'kafka/{record.topic()}'}/{record.partition()}"
    return Event(stream, record.value() or b"", position=record.offset())
