"""One call over HTTP/2: the bytes of its messages as they arrive, and its answer as far as it may be sent."""

from __future__ import annotations

import asyncio
import zlib

from noria.serving.grpc.frames import NUMBER
from noria.serving.grpc.heads import Head
from noria.serving.grpc.statuses import INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, Refused

_PREFIX = 5
_WINDOW_BITS = {"gzip": 31, "deflate": 15}


class Call:
    """The state of one stream. A unary call is answered when it has `ended`; the messages of others one by one."""

    __slots__ = (
        "arrived",
        "closing",
        "deadline",
        "ended",
        "head",
        "id",
        "inbox",
        "late",
        "name",
        "opened",
        "out",
        "parts",
        "sent",
        "size",
        "taken",
        "task",
        "window",
    )  # fmt: skip

    def __init__(self, stream: int, head: Head, window: int, now: float, name: str) -> None:
        self.id = stream
        self.name = name
        """The id of the request, for whoever looks for it in a log."""
        self.head = head
        self.window = window
        """How many bytes of the answer may be sent."""
        self.arrived = now
        self.deadline = None if head.timeout is None else now + head.timeout
        self.parts: list[bytes] = []
        self.size = 0
        """Bytes of the request that are held."""
        self.taken = 0
        """Bytes of the request that the client has not been given back as window."""
        self.ended = False
        self.opened = False
        self.out = b""
        """What of the answer waits for the client's window."""
        self.closing: bytes | None = None
        """The trailers to send after it."""
        self.sent: asyncio.Event
        self.inbox: asyncio.Queue[bytes | Refused | None] | None = None
        self.task: asyncio.Future[None] | None = None
        self.late: asyncio.TimerHandle | None = None

    def whole(self, most: int) -> bytes | Refused:
        """The one message of a unary call that has ended."""
        body = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        self.parts = []
        if len(body) < _PREFIX or NUMBER.unpack_from(body, 1)[0] != len(body) - _PREFIX:
            return Refused(INVALID_ARGUMENT, "the call does not bring exactly one whole message")
        return self.unpacked(body[0], body[_PREFIX:], most)

    def messages(self, most: int) -> list[bytes | Refused]:
        """The whole messages that have arrived; what has begun stays."""
        body = b"".join(self.parts)
        at = 0
        found: list[bytes | Refused] = []
        while len(body) - at >= _PREFIX:
            size = NUMBER.unpack_from(body, at + 1)[0]
            if size > most:
                return [*found, Refused(RESOURCE_EXHAUSTED, f"a message of {size:,} bytes; at most {most:,} are taken")]
            if len(body) - at - _PREFIX < size:
                break
            found.append(self.unpacked(body[at], body[at + _PREFIX : at + _PREFIX + size], most))
            at += _PREFIX + size
        self.parts = [body[at:]] if at < len(body) else []
        return found

    def unpacked(self, flag: int, message: bytes, most: int) -> bytes | Refused:
        """A message as it was before the client packed it, if it did."""
        if flag == 0:
            return message
        bits = _WINDOW_BITS.get(self.head.encoding)
        if flag != 1 or bits is None:
            return Refused(UNIMPLEMENTED, f"messages packed by {self.head.encoding[:40]!r} are not taken")
        unpacking = zlib.decompressobj(bits)
        try:
            plain = unpacking.decompress(message, most + 1)
        except zlib.error as error:
            return Refused(INVALID_ARGUMENT, f"the message cannot be unpacked: {error}")
        if len(plain) > most:
            return Refused(RESOURCE_EXHAUSTED, f"the message is more than {most:,} bytes unpacked")
        if not unpacking.eof:
            return Refused(INVALID_ARGUMENT, "the packed message ends too early")
        return plain

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        if self.task is not None:
            self.task.cancel()
        if self.late is not None:
            self.late.cancel()
