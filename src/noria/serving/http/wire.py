"""A response as bytes (RFC 9112), and the few header values that both directions agree on. Pure functions."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from noria.core.errors import BadInput
from noria.serving.model import BadPayload, Response, TooLarge

_SMALLEST_TO_COMPRESS = 4096
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class UnknownCoding(BadInput):
    """A body is compressed in a way this server does not know."""

    code = "N6030"
    status = 415


@lru_cache(maxsize=256)
def _head(status: int, content_type: str) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    return f"HTTP/1.1 {status} {reason}\r\ncontent-type: {content_type}\r\ncontent-length: ".encode("latin-1")


def encode(response: Response, request_id: str, date: bytes, *, keep: bool, bodiless: bool = False) -> bytes:
    """The whole response; `bodiless` for HEAD, whose answer has the length of the body and no body.

    A header whose value could end the head early is left out rather than sent.
    """
    body = response.body
    parts = [
        _head(response.status, response.content_type), str(len(body)).encode(), b"\r\ndate: ", date,
        b"\r\nx-request-id: ", request_id.encode("latin-1"),
    ]  # fmt: skip
    for name, value in response.headers.items():
        if "\r" not in value and "\n" not in value:
            parts.append(f"\r\n{name}: {value}".encode("latin-1", "replace"))
    parts.append(b"\r\n\r\n" if keep else b"\r\nconnection: close\r\n\r\n")
    if not bodiless:
        parts.append(body)
    return b"".join(parts)


def compressed(response: Response, accepted: str) -> Response:
    """The response in gzip when the client takes that and it is worth it."""
    if (
        len(response.body) < _SMALLEST_TO_COMPRESS
        or not _takes_gzip(accepted)
        or "content-encoding" in response.headers
    ):
        return response
    headers = {**response.headers, "content-encoding": "gzip", "vary": "accept-encoding"}
    return Response(response.status, gzip.compress(response.body, 1), response.content_type, headers)


def _takes_gzip(accepted: str) -> bool:
    for one in accepted.lower().split(","):
        coding, _, weight = one.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def plain_body(body: bytes, coding: str, most: int) -> bytes:
    """A body as it was before its Content-Encoding. Raises UnknownCoding, TooLarge, BadPayload when damaged."""
    for one in reversed([name.strip() for name in coding.lower().split(",")]):
        if one in ("identity", ""):
            continue
        if one not in _WBITS:
            raise UnknownCoding(f"content-encoding {one[:40]!r} is unknown here", hint="gzip, deflate, or none")
        body = _inflated(body, _WBITS[one], most)
    return body


def _inflated(body: bytes, wbits: int, most: int) -> bytes:
    inflating = zlib.decompressobj(wbits)
    try:
        plain = inflating.decompress(body, most + 1)
    except zlib.error as error:
        raise BadPayload(f"the body is not what its content-encoding says: {error}") from None
    if len(plain) > most:
        raise TooLarge(f"the body is larger than {most:,} bytes when unpacked", hint="send it in pieces")
    if not inflating.eof:
        raise BadPayload("the compressed body is cut off")
    return plain


def split_target(target: bytes) -> tuple[str, str]:
    """Path and query of a request target, the path with its escapes undone.

    >>> split_target(b"/v2/models/a%20b/infer?x=1")
    ('/v2/models/a b/infer', 'x=1')
    """
    if not target.startswith(b"/"):  # absolute form, as a proxy is asked
        _, found, rest = target.partition(b"://")
        target = b"/" + rest.partition(b"/")[2] if found else target
    path, _, query = target.partition(b"#")[0].partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("utf-8", "replace"), query.decode("latin-1")
