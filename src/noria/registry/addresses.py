"""Where a webhook may go: no address of this machine, of its network, or of a cloud's metadata service.

A URL is checked when a webhook is made, and the address that a connection really has when it is delivered to: a
name may lead elsewhere by then. Addresses of the new protocol that wrap an old one (mapped, 6to4, NAT64) are
judged by what they wrap. `Allowed` may be widened for a receiver on one's own network, and in tests.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from noria.core.errors import BadInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LONGEST_URL = 500
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Allowed:
    """Which schemes a webhook may use, and whether it may go to addresses that are not public."""

    schemes: tuple[str, ...] = ("https",)
    private: bool = False


PUBLIC = Allowed()


class BadUrl(BadInput):
    """A URL that no webhook may have. `rule`: type, empty, syntax, scheme, host, name, private or length."""

    code = "N5060"

    def __init__(self, url: object, rule: str, why: str) -> None:
        super().__init__(f"a webhook cannot go to {str(url)[:200]!r}: {why}")
        self.url, self.rule, self.why = url, rule, why


def check_url(url: object, allowed: Allowed = PUBLIC) -> str:
    """A URL that a webhook may have; its host is looked up. Raises BadUrl."""
    if not isinstance(url, str):
        raise BadUrl(url, "type", f"it is {type(url).__name__}, no text")
    if not url.strip():
        raise BadUrl(url, "empty", "it is empty")
    if len(url) > LONGEST_URL:
        raise BadUrl(url, "length", f"it has {len(url)} characters and may have {LONGEST_URL}")
    if not url.isprintable() or " " in url:
        raise BadUrl(ascii(url), "syntax", "it has characters that no URL has")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise BadUrl(url, "syntax", str(error)) from error
    if parts.scheme not in allowed.schemes:
        raise BadUrl(url, "scheme", f"{parts.scheme!r} is none of: {', '.join(allowed.schemes)}")
    if not host:
        raise BadUrl(url, "host", "it has no host")
    if not allowed.private:
        _check_host(url, host)
    return url


def is_public(address: Address) -> bool:
    """Whether an address is anybody's to reach.

    >>> is_public(ipaddress.ip_address("169.254.169.254")), is_public(ipaddress.ip_address("::ffff:10.0.0.1"))
    (False, False)
    """
    plain = _unwrapped(address)
    return plain.is_global and not plain.is_multicast


def _check_host(url: str, host: str) -> None:
    for address in resolve(url, host):
        if not is_public(address):
            raise BadUrl(url, "private", f"{host} is at {address}, which is not public")


def resolve(url: str, host: str) -> Sequence[Address]:
    """The addresses of a host. Raises BadUrl when nobody knows any."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    except (OSError, UnicodeError, ValueError) as error:
        raise BadUrl(url, "name", f"nobody knows where {host!r} is: {error}") from error


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address
