"""Running a stream: the broker on one side, the data plane on the other, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from noria.core.clock import Clock
from noria.core.schema import DType
from noria.serving.streams.bodies import Reader
from noria.serving.streams.consuming import Subscribed
from noria.serving.streams.dead_letters import LetterFile, letter_line
from noria.serving.streams.delivery import Delivery
from noria.serving.streams.model import Address, Event, Letter, StreamFailed, Tally
from noria.serving.streams.posting import Taker

_log = logging.getLogger(__name__)
PATIENCE = 10.0
MOST = 500


@dataclass(frozen=True)
class Stream:
    """One stream into one source.

    `columns` are the source's. `key` names the column whose value is an event's id. `name` is what the stream is
    called in the account of what was taken in (default: by its kind and topic): another name, another account.
    `dead` is a file, or a topic of the same broker when `dead_topic` is given. `most` messages are on their way at
    a time.
    """

    address: Address
    source: str
    data_plane: str
    dead: Path
    columns: Mapping[str, DType] = field(default_factory=dict)
    key: str | None = None
    name: str = ""
    dead_topic: str = ""
    most: int = MOST


async def run_stream(
    stream: Stream, clock: Clock, on_ready: Callable[[], None], watch: Callable[[Tally], None] = lambda _: None
) -> Tally:
    """Take messages in until SIGTERM or SIGINT; what is on its way then is finished or left to the broker.

    `watch` is called after each batch. Raises StreamFailed when the broker cannot be read.
    """
    async with httpx.AsyncClient(base_url=stream.data_plane, timeout=PATIENCE) as client:
        consuming = Consuming(stream.address, stream.name, stream.most, stream.columns, watch)
        letters = Letters(stream.dead, stream.source, clock, stream.dead_topic, consuming)
        reader = Reader(frozenset(stream.columns), stream.key)
        delivery = Delivery(client, stream.source, reader, letters.bury)
        await consuming.run(delivery, on_ready)
    return delivery.tally


class Consuming:
    """Messages of a broker handed to a taker, and acknowledged when it is done with them."""

    def __init__(
        self, address: Address, name: str, most: int, columns: Mapping[str, DType], watch: Callable[[Tally], None]
    ) -> None:
        self._address, self._watch = address, watch
        self._failed: Exception | None = None
        self._taker: Taker | None = None
        self.subscribed = _subscribed(address, name, most, columns, self._handle)

    async def run(self, taker: Taker, on_ready: Callable[[], None]) -> None:
        """Until SIGTERM or SIGINT, or `taker.stopping`. Raises StreamFailed when the broker cannot be read."""
        self._taker = taker
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, taker.stopping.set)
        broker = self.subscribed.broker
        try:
            await self.subscribed.prepare()
            await broker.start()
        except Exception as error:
            with suppress(Exception):
                await broker.stop()
            said = f"{self._address} cannot be read: {str(error) or type(error).__name__}"
            raise StreamFailed(said, hint="is the broker up, and is the name right?") from error
        on_ready()
        await taker.stopping.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(broker.stop(), PATIENCE)
        if self._failed is not None:
            raise self._failed

    async def _handle(self, events: Sequence[Event], ack: Callable[[], Awaitable[None]]) -> None:
        """An error nobody foresaw ends everything: the next acknowledgement would cover these messages too."""
        assert self._taker is not None
        try:
            if not await self._taker.take(events):
                return
        except Exception as error:
            self._failed = error
            self._taker.stopping.set()
            return
        try:
            await ack()
        except Exception as error:  # the broker gives them again, and they are known then
            _log.warning("%d messages could not be acknowledged: %s", len(events), error)
        self._watch(self._taker.tally)


class Letters:
    """Dead letters of `source`: into the file `dead`, or a topic of the broker that they came from."""

    def __init__(self, dead: Path, source: str, clock: Clock, topic: str, consuming: Consuming) -> None:
        self._file, self._source, self._clock = LetterFile(dead, source), source, clock
        self._topic, self._consuming = topic, consuming

    async def bury(self, letters: Sequence[Letter]) -> int:
        """Keep them; gives how many were new. Raises OSError, or whatever the broker's client does."""
        now = self._clock.now()
        if self._topic:
            lines = [letter_line(letter, self._source, now) for letter in letters]
            await self._consuming.subscribed.publish(self._topic, lines)
            return len(letters)
        return self._file.write(letters, now)


def _subscribed(
    address: Address, name: str, most: int, columns: Mapping[str, DType], handle: Callable[..., Awaitable[None]]
) -> Subscribed:
    if address.kind == "redis":
        from noria.serving.streams.redis_streams import subscribe as redis

        return redis(address, name, most, handle, columns)
    if address.kind == "nats":
        from noria.serving.streams.jetstream import subscribe as nats

        return nats(address, name, most, handle)
    if address.kind == "amqp":
        from noria.serving.streams.rabbitmq import subscribe as rabbit

        return rabbit(address, name, most, handle)
    from noria.serving.streams.kafka import subscribe as kafka

    return kafka(address, name, most, handle)
