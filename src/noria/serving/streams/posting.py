"""Asking a data plane until it answers, and keeping what it will never take: what every consumer of a stream needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import httpx

from noria.core.clock import monotonic
from noria.serving.streams.model import Event, Letter, Tally

_log = logging.getLogger(__name__)
_FIRST_WAIT, _LONGEST_WAIT, _TELL_EVERY = 0.05, 5.0, 60.0
Bury = Callable[[Sequence[Letter]], Awaitable[int]]
"""Keeps dead letters, durably; gives how many were new."""


class Taker(Protocol):
    """Takes messages in; set `stopping` and it comes to an end."""

    tally: Tally
    stopping: asyncio.Event

    async def take(self, events: Sequence[Event]) -> bool:
        """Whether all of them are done with, durably; False when this was stopped first: then acknowledge nothing."""
        ...


class Patient:
    """Does what may fail for a while again and again, until it is done or `stopping` is set."""

    def __init__(self, client: httpx.AsyncClient, bury: Bury) -> None:
        self.tally = Tally()
        self.stopping = asyncio.Event()
        self._client, self._bury = client, bury
        self._told = 0.0

    async def post(
        self, path: str, body: bytes, messages: int, ours: Callable[[httpx.Response], bool]
    ) -> httpx.Response | None:
        """What the data plane says, however long it is away; None when this is stopped first.

        `ours` tells an answer that is about the messages from one about the data plane, which passes.
        """
        wait = _FIRST_WAIT
        while not self.stopping.is_set():
            try:
                answer = await self._client.post(path, content=body)
                if answer.status_code == 200 or ours(answer):
                    self._told = 0.0 if answer.status_code == 200 else self._told
                    return answer
                reason = said(answer)
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
            await self._wait(wait, f"{self._client.base_url}: {reason}", messages)
            wait = min(_LONGEST_WAIT, wait * 2)
        return None

    async def set_aside(self, letters: Sequence[Letter]) -> bool:
        """Keep dead letters; False when this was stopped first."""

        async def bury() -> None:
            self.tally.dead += await self._bury(letters)

        return await self.until_done(bury, len(letters), "dead letters cannot be kept")

    async def until_done(self, act: Callable[[], Awaitable[None]], messages: int, trouble: str) -> bool:
        """Whether `act` came to its end; False when this was stopped first."""
        wait = _FIRST_WAIT
        while True:
            try:
                await act()
                return True
            except Exception as error:
                if self.stopping.is_set():
                    return False
                await self._wait(wait, f"{trouble}: {error}", messages)
            wait = min(_LONGEST_WAIT, wait * 2)

    async def _wait(self, seconds: float, why: str, messages: int) -> None:
        self.tally.waits += 1
        if monotonic() > self._told + _TELL_EVERY or not self._told:
            self._told = monotonic()
            _log.warning("%d messages wait, %s", messages, why)
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return


def said(answer: httpx.Response) -> str:
    """The error that an answer tells of."""
    return str(document(answer).get("error") or f"it answered {answer.status_code}")


def document(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer, empty when it has none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
