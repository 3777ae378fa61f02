"""How a webhook's request leaves: one POST, no redirect followed, the address checked before a byte is sent."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from noria.core.errors import Unavailable
from noria.registry.addresses import PUBLIC, Allowed, BadUrl, check_url, is_public

SECONDS = 30.0
_LONGEST_REPLY = 64 << 10


@dataclass(frozen=True)
class Reply:
    """What a receiver answered; `retry_after` in seconds if it said when to come again."""

    status: int
    body: str = ""
    retry_after: float | None = None

    @property
    def received(self) -> bool:
        """Whether the receiver has taken it."""
        return 200 <= self.status < 300


Post = Callable[[str, bytes, Mapping[str, str]], Reply]
"""Sends a body to a URL with headers. Raises Unavailable when no answer comes, BadUrl when it may not go there."""


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allowed: Allowed = PUBLIC, seconds: float = SECONDS
) -> Reply:
    """Send a POST and read the answer, all within `seconds`. Raises Unavailable, BadUrl."""
    check_url(url, allowed)
    parts = urlsplit(url)
    make = _SecureConnection if parts.scheme == "https" else _Connection
    connection = make(parts.hostname or "", parts.port, url=url, allowed=allowed, seconds=seconds)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    watch = threading.Timer(seconds, connection.cut)  # each read alone may be quick and all of them never end
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read(_LONGEST_REPLY).decode("utf-8", "replace")
        return Reply(answer.status, text, _seconds(answer.headers.get("Retry-After")))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"{parts.hostname} did not answer: {error or type(error).__name__}") from error
    finally:
        watch.cancel()
        connection.close()


def poster(allowed: Allowed, seconds: float = SECONDS) -> Post:
    """A `Post` with other rules than those for the open internet."""
    return partial(post, allowed=allowed, seconds=seconds)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int | None, *, url: str, allowed: Allowed, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._url, self._allowed = url, allowed

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), self.timeout)
        peer = ipaddress.ip_address(str(self.sock.getpeername()[0]).partition("%")[0])
        if not self._allowed.private and not is_public(peer):
            self.close()
            raise BadUrl(self._url, "private", f"the connection led to {peer}, which is not public")

    def cut(self) -> None:
        """Break the connection off, from another thread."""
        held = self.sock
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                held.close()


class _SecureConnection(_Connection):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:  # a date, which says more about the receiver's clock than about ours
        return None
