"""Redis streams, read by a consumer group; entries of a reader that died are claimed when they have been idle.

An entry has one field `data` with a JSON object (or what FastStream writes), or the columns as its fields.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from noria.core.schema import DType
from noria.serving.streams.consuming import Handle, Subscribed, whole
from noria.serving.streams.model import Address, Event

_DOCUMENT = (b"data", b"__data__")
IDLE_MS = 5000
"""How long an entry was with a reader before another one takes it over."""


def subscribe(address: Address, name: str, most: int, handle: Handle, columns: Mapping[str, DType]) -> Subscribed:
    """A broker whose entries are handled in batches of up to `most`; `columns` are the types of plain fields."""
    from faststream import AckPolicy
    from faststream.redis import RedisBroker, StreamSub

    credentials = f"{address.user}:{address.password}@" if address.password else ""
    url = f"redis://{credentials}{address.servers}/{address.options.get('db', '0')}"
    broker = RedisBroker(url, logger=None, apply_types=False)  # type: ignore[arg-type]
    group = address.options.get("group", "noria")
    who: dict[str, Any] = {"group": group, "consumer": address.options.get("consumer", "noria")}
    stream = name or f"redis/{address.topic}"

    async def take(message: Any) -> None:
        raw = message.raw_message
        entries = zip(raw["message_ids"], raw["data"], strict=True)
        await handle([Event(stream, _body(data, columns), id=one.decode()) for one, data in entries], message.ack)

    new = StreamSub(address.topic, batch=True, max_records=most, polling_interval=50, last_id=">", **who)
    idle = int(address.options.get("idle_ms", IDLE_MS))
    left = StreamSub(address.topic, batch=True, min_idle_time=idle, polling_interval=max(idle // 2, 50), **who)
    for sub in (new, left):
        broker.subscriber(stream=sub, ack_policy=AckPolicy.MANUAL, decoder=whole)(take)
    return Subscribed(broker, publisher(broker), lambda: _make_group(url, address.topic, group))


def publisher(broker: Any) -> Callable[[str, Sequence[bytes]], Awaitable[None]]:
    """Adds lines to a stream, each as a field `data`."""

    async def publish(topic: str, lines: Sequence[bytes]) -> None:
        for line in lines:
            await broker._connection.xadd(topic, {"data": line})

    return publish


async def _make_group(url: str, stream: str, group: str) -> None:
    """From the beginning of the stream; FastStream alone would begin with what comes next."""
    from redis.asyncio import Redis
    from redis.exceptions import ResponseError

    async with Redis.from_url(url) as client:
        try:
            await client.xgroup_create(stream, group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def _body(fields: Mapping[bytes, bytes], columns: Mapping[str, DType]) -> bytes:
    for name in _DOCUMENT:
        if name in fields and (len(fields) == 1 or name == b"__data__"):
            return _enveloped(fields[name]) if name == b"__data__" else fields[name]
    row = {_text(name): _typed(_text(value), columns.get(_text(name))) for name, value in fields.items()}
    return msgspec.json.encode(row)


def _enveloped(data: bytes) -> bytes:
    from faststream.redis.parser import BinaryMessageFormatV1

    return bytes(BinaryMessageFormatV1.parse(data)[0])


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _typed(text: str, dtype: DType | None) -> Any:
    """A field's text as its column has it; what is no such value stays text, and is refused as that."""
    if dtype in (None, "string"):
        return text
    if not text:
        return None
    try:
        value = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return text
    return value if isinstance(value, int | float | bool) else text
