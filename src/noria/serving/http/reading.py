"""Requests out of the bytes of a connection.

llhttp (by httptools) reads strictly: both lengths, folded headers, bare line feeds and bad chunks are refused by it.
What it does not bound is bounded here.
"""

from __future__ import annotations

from collections.abc import Callable

import httptools

from noria.core.errors import NoriaError
from noria.serving.http.errors import ExpectationFailed, HeadTooLarge, UnknownVersion
from noria.serving.http.limits import Limits
from noria.serving.http.wire import split_target
from noria.serving.model import BadPayload, Request, TooLarge

_NAMES: dict[bytes, str] = {}
_MOST_NAMES = 512


class RequestReader:
    """Feed it bytes: `whole` is called with every request and whether another may follow it on the connection.

    `expected` is called when a client waits to be told to go on. `begun` and `received` tell whether a request has
    begun and how much came since; `ended` that nothing more is read.
    """

    def __init__(self, limits: Limits, whole: Callable[[Request, bool], None], expected: Callable[[], None]) -> None:
        self._limits, self._whole, self._expected = limits, whole, expected
        self._parser = httptools.HttpRequestParser(self)
        self.begun = self.ended = False
        self.received = 0
        self._in_head = True
        self._unread_head = self._head_size = self._header_count = 0
        self._target, self._body = b"", b""
        self._more: bytearray | None = None
        self._headers: dict[str, str] = {}

    @property
    def path(self) -> str:
        """The path of the request that is being read, as far as it is known."""
        return split_target(self._target)[0] if self._target else ""

    def feed(self, data: bytes) -> None:
        """Read on. Raises the error to refuse with; then nothing more may be fed."""
        self.begun = True
        self.received += len(data)
        if self._in_head:
            self._unread_head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # nothing to upgrade to: it was answered as it stands, and is the last
            self.ended = True
        except httptools.HttpParserError as error:
            if not self.ended:  # what follows a last request was never asked for
                self.ended = True
                raise _refusal(error) from None
        if self._in_head and self._unread_head > self._limits.head and not self.ended:
            self.ended = True
            raise self._too_long()

    # what the parser calls

    def on_message_begin(self) -> None:
        self._in_head = True
        self._headers, self._header_count, self._head_size = {}, 0, 0
        self._target, self._body, self._more = b"", b"", None

    def on_url(self, url: bytes) -> None:
        """Comes in the pieces that the network made."""
        self._target += url
        self._head_size += len(url)
        if self._head_size > self._limits.head:
            raise self._too_long()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        self._head_size += len(name) + len(value)
        if self._header_count > self._limits.headers or self._head_size > self._limits.head:
            raise self._too_long()
        if not self._in_head:
            return  # a trailer says nothing that is asked for here
        known = _name(name)
        text = value.decode("latin-1")
        if known in self._headers:
            if known == "host":
                raise BadPayload("the request names two hosts")
            text = f"{self._headers[known]}, {text}"
        self._headers[known] = text

    def on_headers_complete(self) -> None:
        self._in_head, self._unread_head = False, 0
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise UnknownVersion(f"HTTP/{version} is not spoken here", hint="use HTTP/1.1")
        if version == "1.1" and "host" not in self._headers:
            raise BadPayload("the request names no host", hint="RFC 9112, section 3.2, wants one")
        if int(self._headers.get("content-length", "0")) > self._limits.body:
            raise self._too_large()
        expected = self._headers.get("expect")
        if expected is not None:
            if expected.lower() != "100-continue":
                raise ExpectationFailed(f"cannot meet the expectation {expected[:40]!r}")
            self._expected()

    def on_body(self, body: bytes) -> None:
        if self._more is not None:
            self._more += body
        elif self._body:
            self._more = bytearray(self._body)
            self._more += body
        else:
            self._body = body
        if len(self._body if self._more is None else self._more) > self._limits.body:
            raise self._too_large()

    def on_message_complete(self) -> None:
        body = self._body if self._more is None else bytes(self._more)
        path, query = split_target(self._target)
        request = Request(self._parser.get_method().decode(), path, self._headers, body, query)
        self.begun, self.received = False, 0
        self._in_head, self._more, self._target = True, None, b""
        keep = self._parser.should_keep_alive()
        self.ended = self.ended or not keep
        self._whole(request, keep)

    def _too_long(self) -> HeadTooLarge:
        most = self._limits
        return HeadTooLarge(f"the head of the request has more than {most.head:,} bytes or {most.headers} headers")

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._limits.body:,} bytes", hint="send it in pieces")


def _name(raw: bytes) -> str:
    """A header's name in lower case; the usual ones are made once."""
    name = _NAMES.get(raw)
    if name is None:
        name = raw.lower().decode("latin-1")
        if len(_NAMES) < _MOST_NAMES:
            _NAMES[raw] = name
    return name


def _refusal(error: httptools.HttpParserError) -> NoriaError:
    """What a reader of ours raised inside the parser, or what the parser found itself."""
    cause = error.__context__
    if isinstance(error, httptools.HttpParserCallbackError) and isinstance(cause, NoriaError):
        return cause
    return BadPayload(f"this cannot be read as a request: {error}", hint="see RFC 9112")
