"""A follower's side of the socket: one connection, made again when the leader changes.

What is handed over to be logged is kept until it is acknowledged, and handed to the next leader too: ids make that
harmless. What is forwarded is not sent twice, since nobody knows whether it was done.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from noria.core.clock import monotonic
from noria.core.errors import Corrupt, NoriaError, Unavailable
from noria.serving.followers.frames import (
    Failed,
    Keep,
    LeaderRefused,
    Refusal,
    Reply,
    Said,
    Unpacking,
    packed,
    reply_decoder,
)
from noria.serving.followers.place import short_path

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 0.02
_PATIENCE_SECONDS = 5.0
_LONGEST_SECONDS = 60.0
"""How long an answer may take of a leader that is there."""

Told = Callable[[Reply | NoriaError], None]


class NoLeader(Unavailable):
    """No process of this server writes its log at this moment; nothing was promised to anybody."""

    code = "N6081"


@dataclass(frozen=True)
class _Waiting:
    message: bytes
    again: bool
    since: float
    told: Told


class Link:
    """To the leader of a workspace, from one of its followers. For one event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._connection: _ToLeader | None = None
        self._task: asyncio.Task[None] | None = None

    def number(self) -> int:
        """For the next message."""
        return next(self._numbers)

    def say(self, message: Said, told: Told) -> None:
        """Send, now or when there is a leader; `told` hears the reply, or why there is none. Raises OverflowError."""
        data = packed(message)
        self._waiting[message.number] = _Waiting(data, isinstance(message, Keep), monotonic(), told)
        if self._connection is not None:
            self._connection.write(data)

    def mention(self, message: Failed) -> None:
        """Send what wants no reply, if there is a leader."""
        if self._connection is not None:
            self._connection.write(packed(message))

    def start(self) -> None:
        """Connect, in the running loop, and again whenever the connection is lost."""
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        """Wait for what is acknowledged, for some seconds at most, and hang up."""
        until = monotonic() + _PATIENCE_SECONDS
        while self._waiting and monotonic() < until:
            await asyncio.sleep(_AGAIN_SECONDS)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            self._connection.close()

    def connected(self, connection: _ToLeader) -> None:
        """There is a leader: it is told everything that waits."""
        self._connection = connection
        for one in list(self._waiting.values()):
            connection.write(one.message)

    def lost(self) -> None:
        """The leader is gone. What it may or may not have done is not asked for again."""
        self._connection = None
        for number, one in list(self._waiting.items()):
            if not one.again:
                del self._waiting[number]
                one.told(NoLeader("the process that was asked died before it answered", hint="try again"))

    def heard(self, reply: Reply) -> None:
        """A reply has come."""
        waiting = self._waiting.pop(reply.number, None)
        if waiting is not None:
            waiting.told(LeaderRefused(reply) if isinstance(reply, Refusal) else reply)

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self._connection is None:
                with suppress(OSError), short_path(self._folder) as path:
                    await loop.create_unix_connection(lambda: _ToLeader(self), path)
            self._give_up()
            await asyncio.sleep(_AGAIN_SECONDS if self._connection is None else 0.5)

    def _give_up(self) -> None:
        """Tell those who have waited for too long."""
        late = monotonic() - (_PATIENCE_SECONDS if self._connection is None else _LONGEST_SECONDS)
        for number, one in list(self._waiting.items()):
            if one.since < late:
                del self._waiting[number]
                one.told(NoLeader("no process takes what is to be logged", hint="try again in a moment"))


class _ToLeader(asyncio.Protocol):
    """The connection to one leader."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._unpacking = Unpacking()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._link.connected(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._link.lost()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._unpacking.feed(data):
                self._link.heard(reply_decoder.decode(message))
        except (Corrupt, ValueError):
            _log.exception("the leader says what nobody understands; it is asked again")
            self.close()

    def write(self, data: bytes) -> None:
        """Send."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
