"""What every broker's file gives, and what it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from noria.serving.streams.model import Event

Ack = Callable[[], Awaitable[None]]
Handle = Callable[[Sequence[Event], Ack], Awaitable[None]]
"""Takes messages in, then acknowledges them; on a stop it returns without."""
Publish = Callable[[str, Sequence[bytes]], Awaitable[None]]


async def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Subscribed:
    """A FastStream broker that hands its messages to a handler once it is started, and how to publish with it.

    `prepare` is awaited before the start.
    """

    broker: Any
    publish: Publish
    prepare: Callable[[], Awaitable[None]] = _nothing


async def whole(message: Any) -> Any:
    """A FastStream decoder that decodes nothing: handlers look at the broker's own message."""
    return message
