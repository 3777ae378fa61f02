"""What a browser on another page may not do: change something here, or read what is only meant for this machine.

A page of somebody else's can make a visitor's browser send requests anywhere. Such a request names where it comes from
(`Origin`), and it cannot be JSON without asking first. A name that suddenly leads to this machine (DNS rebinding)
shows in `Host`.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from noria.server.mlflow.faults import DENIED, INVALID, Refused
from noria.server.mlflow.transport import Exchange

_LOCAL = ("localhost", "127.0.0.1", "::1")
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")


def check(exchange: Exchange, hosts: frozenset[str] | None) -> None:
    """Raises Refused for a request that another site's page made, or for a host that is not ours.

    `hosts` are the names under which this server may be asked, besides addresses and `localhost`; None: under any.
    """
    host = exchange.headers.get(b"host", b"").decode("latin-1")
    if hosts is not None and not _is_ours(host, hosts):
        raise Refused(DENIED, f"This server does not answer under the name {host[:200]!r}.")
    origin = exchange.headers.get(b"origin")
    if origin is None or exchange.method not in _CHANGING:
        return
    came = urlsplit(origin.decode("latin-1"))
    if came.netloc != host and came.hostname not in _LOCAL:
        raise Refused(DENIED, "Cross-origin request blocked")


def check_json(exchange: Exchange) -> None:
    """Raises Refused for a body that is not said to be JSON: only such a body no other page can send unasked."""
    if exchange.method not in ("POST", "PUT"):
        return
    told = exchange.headers.get(b"content-type")
    if told is None:
        raise Refused(INVALID, "Bad Request. Content-Type header is missing.")
    if told.split(b";")[0].strip() != b"application/json":
        raise Refused(INVALID, "Bad Request. Content-Type must be one of ['application/json'].")


def _is_ours(host: str, hosts: frozenset[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in hosts or name in _LOCAL:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
