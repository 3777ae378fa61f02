"""What streams speak of: where messages come from, one message, what became of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from noria.core.errors import BadInput, Unavailable
from noria.core.suggest import did_you_mean

PORTS = {"kafka": 9092, "redis": 6379, "nats": 4222, "amqp": 5672}
_OPTIONS = {
    "kafka": {"group"},
    "redis": {"group", "consumer", "db", "idle_ms"},
    "nats": {"group", "subject"},
    "amqp": {"vhost"},
}
MOST_BATCH = 5000


@dataclass(frozen=True)
class Address:
    """Where messages come from: `kind://user:password@host:port/topic?option=value`.

    `topic` is a Kafka topic, a Redis stream, a JetStream stream or a RabbitMQ queue.
    """

    kind: str
    host: str
    port: int
    topic: str
    user: str = ""
    password: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def servers(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Without the password, fit to be shown."""
        return f"{self.kind}://{self.servers}/{self.topic}"


@dataclass(frozen=True)
class Event:
    """One message: its bytes, and its place in `stream`: a `position`, or else an `id` ("" when it has none)."""

    stream: str
    body: bytes
    position: int | None = None
    id: str = ""

    @property
    def place(self) -> str:
        """What names it among the messages of its stream."""
        return self.id if self.position is None else str(self.position)


@dataclass(frozen=True)
class Letter:
    """A message that cannot be taken in, and why."""

    event: Event
    reason: str


@dataclass
class Tally:
    """What became of messages. `repeated` had been taken in before."""

    taken: int = 0
    repeated: int = 0
    dead: int = 0
    waits: int = 0


class BadAddress(BadInput):
    """The address of a stream cannot be understood."""

    code = "N6015"


class StreamFailed(Unavailable):
    """A stream cannot be read; nothing that was not taken in was acknowledged."""

    code = "N6016"


def read_address(text: str) -> Address:
    """The address in `text`. Raises BadAddress saying what is wrong with it.

    >>> read_address("kafka://localhost:9092/departures?group=features").options["group"]
    'features'
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"{text!r} is no address: {error}", hint="kafka://host:port/topic") from None
    if parts.scheme not in PORTS:
        raise BadAddress(
            f"{parts.scheme or text!r} is no kind of stream; there are {', '.join(PORTS)}",
            hint=did_you_mean(parts.scheme, list(PORTS)) or "kafka://host:port/topic",
        )
    topic = unquote(parts.path.strip("/"))
    if not parts.hostname or not topic:
        missing = "host" if not parts.hostname else "topic, stream or queue"
        raise BadAddress(f"{text!r} names no {missing}", hint=f"{parts.scheme}://host:port/name")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options.keys() - _OPTIONS[parts.scheme]:
        known = sorted(_OPTIONS[parts.scheme])
        raise BadAddress(
            f"{parts.scheme} has no option {name!r}; there are {', '.join(known)}", hint=did_you_mean(name, known)
        )
    for name in ("db", "idle_ms"):
        if not options.get(name, "0").isdecimal():
            raise BadAddress(f"the option {name} is {options[name]!r}, not a whole number")
    return Address(
        parts.scheme, parts.hostname, port or PORTS[parts.scheme], topic,
        unquote(parts.username or ""), unquote(parts.password or ""), options,
    )  # fmt: skip


def plain(value: Any) -> str:
    """Bytes for a person: text where they are text."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
