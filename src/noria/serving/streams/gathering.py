"""Messages that come one by one, handled together: while some are on their way, the others gather."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from noria.serving.streams.consuming import Handle
from noria.serving.streams.model import Event

Ack = Callable[[], Awaitable[None]]


class Gathering:
    """Gives up to `most` messages at a time to `handle`."""

    def __init__(self, handle: Handle, most: int) -> None:
        self._handle, self._most = handle, most
        self._waiting: list[tuple[Event, Ack]] = []
        self._turn = asyncio.Lock()

    async def take(self, event: Event, ack: Ack) -> None:
        """Returns when the message has been handled, with others or alone."""
        mine = (event, ack)
        self._waiting.append(mine)
        async with self._turn:
            if not any(one is mine for one in self._waiting):
                return
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._handle([one for one, _ in group], lambda: _all(group))


async def _all(group: list[tuple[Event, Ack]]) -> None:
    for _, ack in group:
        await ack()
